/**
 * A Galera cluster of three nodes on loopback, for the chaos tests: nodes can be killed and brought back. A node gets
 * the data from another (SST, by rsync) when it joins first. After a kill it recovers the position of its data, as
 * systemd's unit does, and gets what it missed (IST).
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { type GaleraPrograms, provideGalera, unprivilegedUser } from './galera-programs.ts';
import { until } from './until.ts';

export interface GaleraNode {
  name: string;
  /** With an account that may do everything; no database is chosen. */
  url: string;
  /** Dies by SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, and waits until it has caught up. */
  start(): Promise<void>;
  isRunning(): boolean;
  /** A status variable of Galera's, without `wsrep_`. */
  status(name: string): Promise<string>;
}

export interface GaleraCluster {
  nodes: readonly GaleraNode[];
  /** Runs a statement on a node. */
  query(node: GaleraNode, sql: string): Promise<RowDataPacket[]>;
  /** Waits until all nodes see `size` members and are in sync. */
  untilSynced(size: number): Promise<void>;
  stop(): Promise<void>;
}

const startTimeoutMs = 180_000;

/** Starts a cluster. As root, installs by apt what is missing, after saying so. Undefined: there is none to be had. */
export async function startGaleraCluster(say: (line: string) => void): Promise<GaleraCluster | undefined> {
  const programs = provideGalera(say);
  if (programs === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'wxmp-galera-'));
  chmodSync(folder, 0o755);
  const ports = await choosePorts(12);
  const members = [0, 1, 2].map((index) => ({
    name: `node${index + 1}`,
    folder: join(folder, `node${index + 1}`),
    port: ports[4 * index]!,
    groupPort: ports[4 * index + 1]!,
    transferPort: ports[4 * index + 2]!,
    copyPort: ports[4 * index + 3]!,
  }));
  const peers = members.map(({ groupPort }) => `127.0.0.1:${groupPort}`).join(',');
  const nodes = members.map((member) => createNode({ ...member, ...programs, peers }));
  const endWithUs = () => {
    for (const node of nodes) void node.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', endWithUs);
  const stop = async () => {
    process.off('exit', endWithUs);
    await Promise.all(nodes.map((node) => node.kill()));
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    for (const member of members) makeFolder(member.folder);
    installData(members[0]!.folder);
    await nodes[0]!.bootstrap();
    for (const node of nodes.slice(1)) await node.join();
  } catch (error) {
    for (const node of nodes) node.printLog(say);
    await stop();
    throw error;
  }
  const cluster: GaleraCluster = {
    nodes,
    query: (node, sql) => query(node.url, sql),
    untilSynced: (size) =>
      until(
        `${size} nodes are in sync`,
        async () => {
          const states = await Promise.all(
            nodes.filter((node) => node.isRunning()).map((node) => isSynced(node, size).catch(() => false)),
          );
          return states.length === size && states.every(Boolean);
        },
        startTimeoutMs,
      ).then(() => undefined),
    stop,
  };
  await cluster.untilSynced(3).catch(async (error) => {
    for (const node of nodes) node.printLog(say);
    await stop();
    throw error;
  });
  return cluster;
}

interface NodeOptions extends GaleraPrograms {
  name: string;
  folder: string;
  port: number;
  groupPort: number;
  transferPort: number;
  copyPort: number;
  peers: string;
}

interface ManagedNode extends GaleraNode {
  /** Starts it as the first of a new cluster. */
  bootstrap(): Promise<void>;
  /** Starts it without data. */
  join(): Promise<void>;
  printLog(say: (line: string) => void): void;
}

function createNode(options: NodeOptions): ManagedNode {
  const { name, folder, port, mariadbd, path } = options;
  const url = `mysql://root@127.0.0.1:${port}/`;
  let server: ChildProcess | undefined;
  let exited: Promise<unknown> = Promise.resolve();
  const launch = async (...more: string[]) => {
    const log = openSync(join(folder, 'log'), 'a');
    const started = spawn(mariadbd, [...settingsOf(options), ...more], {
      stdio: ['ignore', log, log],
      env: { ...process.env, PATH: path },
      ...unprivilegedUser(),
    });
    closeSync(log);
    server = started;
    exited = once(started, 'exit');
    await until(
      `${name} is in sync`,
      async () => {
        if (started.exitCode !== null || started.signalCode !== null) throw new Error(`${name} ended while it started`);
        return isSynced(node).catch(() => false);
      },
      startTimeoutMs,
    );
  };
  const kill = async () => {
    server?.kill('SIGKILL');
    server = undefined;
    await exited;
  };
  const node: ManagedNode = {
    name,
    url,
    bootstrap: () => launch('--wsrep-new-cluster'),
    join: () => launch(),
    async start() {
      try {
        const position = await recoverPosition(options);
        await launch(`--wsrep-start-position=${position}`);
      } catch (error) {
        node.printLog((line) => process.stderr.write(`${line}\n`));
        throw error;
      }
    },
    kill,
    isRunning: () => server !== undefined,
    async status(variable) {
      const [row] = await query(url, `show global status like 'wsrep_${variable}'`);
      return String(row?.Value);
    },
    printLog(say) {
      const path = join(folder, 'log');
      if (!existsSync(path)) return;
      say(`--- the end of the log of ${name}:`);
      for (const line of readFileSync(path, 'utf8').split('\n').slice(-60)) say(line);
    },
  };
  return node;
}

function settingsOf({ name, folder, port, groupPort, transferPort, copyPort, library, peers }: NodeOptions): string[] {
  const providerOptions = [
    `gmcast.listen_addr=tcp://127.0.0.1:${groupPort}`,
    `ist.recv_addr=127.0.0.1:${transferPort}`,
    'gcache.size=64M',
  ];
  return [
    '--no-defaults',
    `--datadir=${folder}/data`,
    `--socket=${folder}/socket`,
    `--pid-file=${folder}/pid`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    '--max-connections=300',
    '--log-warnings=1', // of connections that were aborted there are many
    '--innodb-buffer-pool-size=64M',
    '--innodb-log-file-size=32M',
    '--innodb-autoinc-lock-mode=2',
    '--binlog-format=ROW',
    '--default-storage-engine=InnoDB',
    '--wsrep-on=ON',
    `--wsrep-provider=${library}`,
    `--wsrep-provider-options=${providerOptions.join(';')}`,
    '--wsrep-cluster-name=wxmp-test',
    `--wsrep-cluster-address=gcomm://${peers}`,
    `--wsrep-node-name=${name}`,
    `--wsrep-node-address=127.0.0.1:${groupPort}`,
    '--wsrep-sst-method=rsync',
    `--wsrep-sst-receive-address=127.0.0.1:${copyPort}`,
  ];
}

/** What the data of a node that was killed holds: `<cluster>:<sequence number>`. */
async function recoverPosition(options: NodeOptions): Promise<string> {
  const recovery = spawn(options.mariadbd, [...settingsOf(options), '--wsrep-recover'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: startTimeoutMs,
    ...unprivilegedUser(),
  });
  let said = '';
  for await (const chunk of recovery.stderr) said += chunk;
  const position = /Recovered position: ([0-9a-f-]{36}:\d+)/.exec(said)?.[1];
  if (position === undefined) throw new Error(`${options.name} has no position to go on from:\n${said.slice(-3000)}`);
  return position;
}

async function isSynced(node: GaleraNode, size?: number): Promise<boolean> {
  if ((await node.status('local_state_comment')) !== 'Synced' || (await node.status('ready')) !== 'ON') return false;
  return size === undefined || Number(await node.status('cluster_size')) === size;
}

async function query(url: string, sql: string): Promise<RowDataPacket[]> {
  const connection = await createConnection({ uri: url, connectTimeout: 5000 });
  try {
    const [rows] = await connection.query<RowDataPacket[]>({ sql, timeout: 60_000 });
    return rows;
  } finally {
    connection.destroy();
  }
}

/** Ports that nothing listens on, and that no outgoing connection is given meanwhile: those begin at 32768. */
async function choosePorts(many: number): Promise<number[]> {
  const chosen = new Set<number>();
  while (chosen.size < many) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    const isFree = await new Promise<boolean>((resolve) => {
      const probe = createServer().once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (isFree) chosen.add(port);
  }
  return [...chosen];
}

function makeFolder(folder: string): void {
  mkdirSync(join(folder, 'data'), { recursive: true });
  own(folder);
}

function installData(folder: string): void {
  const settings = ['--no-defaults', `--datadir=${folder}/data`, '--auth-root-authentication-method=normal'];
  execFileSync('mariadb-install-db', [...settings, '--skip-test-db'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: startTimeoutMs,
    ...unprivilegedUser(),
  });
}

function own(folder: string): void {
  const { uid, gid } = unprivilegedUser();
  if (uid !== undefined) execFileSync('chown', ['-R', `${uid}:${gid}`, folder]);
}

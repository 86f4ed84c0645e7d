/** Finds or starts a MySQL-compatible server for the tests. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from './free-port.ts';

export interface MysqlServer {
  /** With an account that may create databases. */
  url: string;
  /** What it is, for people. */
  origin: string;
  stop(): Promise<void>;
}

/** A server of one's own, which can be killed and started again on its data. */
export interface OwnMysqlServer extends MysqlServer {
  /** Ends it by SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again, at the same address. */
  restart(): Promise<void>;
}

/**
 * In this order: TEST_DATABASE_URL, a `mariadbd` that is installed, Docker, and, as root on Debian, one that apt
 * installs after saying so. Undefined: there is none to be had.
 */
export async function provideMysqlServer(say: (line: string) => void): Promise<MysqlServer | undefined> {
  const given = process.env.TEST_DATABASE_URL;
  if (given) return { url: given, origin: 'TEST_DATABASE_URL', stop: async () => {} };
  if (findMariadbd() === undefined && hasDocker()) return startInDocker();
  return startOwnMysqlServer(say);
}

/** A `mariadbd` that is installed or, as root on Debian, one that apt installs after saying so. */
export async function startOwnMysqlServer(say: (line: string) => void): Promise<OwnMysqlServer | undefined> {
  if (findMariadbd() === undefined && userInfo().uid === 0 && existsSync('/usr/bin/apt-get')) installByApt(say);
  const mariadbd = findMariadbd();
  return mariadbd === undefined ? undefined : startMariadbd(mariadbd);
}

/** Where the server is, if there is one. */
export function findMariadbd(): string | undefined {
  const folders = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', ...(process.env.PATH ?? '').split(':')];
  return folders.map((folder) => join(folder, 'mariadbd')).find((path) => existsSync(path));
}

/** The programs alone: the packages of this name start no service. */
function installByApt(say: (line: string) => void): void {
  say('There is no MariaDB on this machine: installing mariadb-server-core by apt-get. It starts no service.');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]) =>
    spawnSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  apt('update');
  apt('install', '-y', '--no-install-recommends', 'mariadb-server-core', 'mariadb-client-core');
}

async function startMariadbd(mariadbd: string): Promise<OwnMysqlServer> {
  const folder = mkdtempSync(join(tmpdir(), 'wxmp-mariadb-'));
  const user = userInfo().uid === 0 ? ['--user=root'] : [];
  // A tmpdir of its own: a server that starts deletes the temporary tables that it finds there, another's among them.
  mkdirSync(`${folder}/tmp`);
  const common = ['--no-defaults', `--datadir=${folder}/data`, `--tmpdir=${folder}/tmp`];
  execFileSync(
    'mariadb-install-db',
    [...common, ...user, '--auth-root-authentication-method=normal', '--skip-test-db'],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const port = await findFreePort();
  const settings = [`--port=${port}`, '--bind-address=127.0.0.1', `--socket=${folder}/socket`, '--max-connections=400'];
  let server: ChildProcess;
  const restart = async () => {
    server = spawn(mariadbd, [...common, ...user, ...settings, `--pid-file=${folder}/pid`], { stdio: 'ignore' });
    await waitForGreeting(
      port,
      once(server, 'exit').then(() => {}),
    );
  };
  const end = async (signal: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill(signal);
    await Promise.race([exited, sleep(10_000, undefined, { ref: false })]);
  };
  const endWithUs = () => server.kill('SIGKILL');
  process.once('exit', endWithUs);
  const stop = async () => {
    process.off('exit', endWithUs);
    await end('SIGTERM');
    await end('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  await restart();
  const url = `mysql://root@127.0.0.1:${port}/`;
  return { url, origin: mariadbd, stop, restart, kill: () => end('SIGKILL') };
}

function hasDocker(): boolean {
  return spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 }).status === 0;
}

async function startInDocker(): Promise<MysqlServer> {
  const port = await findFreePort();
  const settings = ['-e', 'MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1', '-p', `127.0.0.1:${port}:3306`];
  const id = execFileSync('docker', ['run', '-d', '--rm', ...settings, 'mariadb:10.11'], { encoding: 'utf8' }).trim();
  await waitForGreeting(port);
  const stop = async () => void spawnSync('docker', ['kill', id], { stdio: 'ignore' });
  return { url: `mysql://root@127.0.0.1:${port}/`, origin: 'mariadb:10.11 in Docker', stop };
}

/** A MySQL server speaks first: its greeting says that it takes connections. */
async function waitForGreeting(port: number, exited?: Promise<void>): Promise<void> {
  let gone = false;
  void exited?.then(() => {
    gone = true;
  });
  for (let tries = 0; tries < 600 && !gone; tries++) {
    const greeted = await new Promise<boolean>((resolve) => {
      const socket = createConnection({ port, host: '127.0.0.1' });
      socket.once('data', () => socket.destroy() && resolve(true));
      socket.once('error', () => resolve(false)).once('close', () => resolve(false));
      socket.setTimeout(1000, () => socket.destroy());
    });
    if (greeted) return;
    await sleep(100);
  }
  throw new Error('the MySQL server for the tests did not start');
}

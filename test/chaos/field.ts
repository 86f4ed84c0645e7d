/** Where it all happens: a database, a receiver that fails, and replicas of the service in processes of their own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { type FaultReceiver, startFaultReceiver } from '../support/fault-receiver.ts';
import { type OwnMysqlServer, startOwnMysqlServer } from '../support/mysql-server.ts';
import type { Random } from '../support/random.ts';
import { type Replica, superviseReplica } from '../support/replica.ts';
import { post, testEnv } from '../support/service.ts';
import { until } from '../support/until.ts';
import { articles } from './ask.ts';
import { type StallWatch, watchStalls } from './stalls.ts';
import type { Blow } from './tally.ts';

export const appid = 'wx_chaos';

/** The text that asks for patience, as the replicas have it. */
export const waitText = 'please wait';

/** A place for the service's data. */
export interface Ground {
  /** What it is, for the report. */
  name: 'MariaDB' | 'SQLite' | 'Galera';
  /** Of an empty database, one for each replica in turn. */
  urls: readonly string[];
  /** Kills a database server and brings it back. Absent: there is none. */
  killDatabase?(nth: number): Promise<void>;
  close(): Promise<void>;
}

/** An empty database on a MariaDB server of its own. */
export async function onMariadb(random: Random): Promise<Ground & { server: OwnMysqlServer }> {
  const server = await startOwnMysqlServer((line) => process.stderr.write(`${line}\n`));
  if (server === undefined) throw new Error('there is no mariadbd here, and none can be installed');
  const { hostname: host, port } = new URL(server.url);
  const connection = await createConnection({ host, port: Number(port), user: 'root' });
  await connection.query('create database chaos');
  await connection.end();
  return {
    name: 'MariaDB',
    urls: [`${server.url}chaos`],
    server,
    async killDatabase() {
      await server.kill();
      await new Promise((resolve) => setTimeout(resolve, random.below(1500)));
      await server.restart();
    },
    close: server.stop,
  };
}

/** A file that all replicas share. */
export async function onSqlite(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'wxmp-chaos-'));
  return {
    name: 'SQLite',
    urls: [`sqlite:${folder}/chaos.db`],
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Both, one after the other; CHAOS_ON=mariadb or sqlite: only that one. */
export async function* grounds(random: Random): AsyncGenerator<Ground> {
  const only = process.env.CHAOS_ON;
  if (only !== 'sqlite') yield await onMariadb(random);
  if (only !== 'mariadb') yield await onSqlite();
}

/**
 * Short leases, so that what a dead process held is taken up soon; not so short that a machine with too much to do
 * stands still for longer, which is as good as a kill.
 */
export const quickEnv = {
  BIZCOMM_TIMEOUT_MS: '2500',
  QUERY_TIMEOUT_MS: '3500',
  LEASE_SECONDS: process.env.CHAOS_LEASE_SECONDS ?? '8',
  LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'warn',
  DATABASE_POOL_SIZE: '10',
  DISPATCH_BACKOFF_MAX_SECONDS: '2',
  TEXT_PLEASE_WAIT: waitText,
};

export interface Field {
  receiver: FaultReceiver;
  database: Database;
  replicas: Replica[];
  blows: Blow[];
  stalls: StallWatch;
  /** The addresses of the replicas that serve. */
  urls(): string[];
  /** Kills a replica and notes it. */
  kill(replica: Replica): void;
  /** What waits and what ended badly, by the database. */
  count(): Promise<{ pending: number; dead: number }>;
  /** Stops all replicas by SIGTERM; what is wrong with how they ended, and with how they lived, in words. */
  end(): Promise<string[]>;
  /** Takes everything down, however it stands. */
  close(): Promise<void>;
}

export interface FieldOptions {
  random: Random;
  ground: Ground;
  replicas: number;
  /** Settings for all. */
  env?: Record<string, string>;
  /** Settings of each, from 0. */
  envOf?(index: number): Record<string, string>;
}

/** Starts the receiver and the replicas, creates the assistant, and waits until it has learned its articles. */
export async function openField({ random, ground, replicas: many, env, envOf }: FieldOptions): Promise<Field> {
  const receiver = await startFaultReceiver(random, articles);
  const base = { ...testEnv('', receiver.url), ...quickEnv, ...env };
  const replicas: Replica[] = [];
  const blows: Blow[] = [];
  const stalls = watchStalls();
  const database = openDatabase({ url: ground.urls[0]!, poolSize: 2, queryTimeoutMs: 20_000 });
  const field: Field = {
    receiver,
    database,
    replicas,
    blows,
    stalls,
    urls: () => replicas.flatMap(({ url }) => url ?? []),
    kill(replica) {
      blows.push({ what: 'replica', name: replica.name, atMs: performance.now() });
      replica.kill();
    },
    async count() {
      const one = async (sql: string) => Number((await database.all<{ n: number }>(sql))[0]!.n);
      return {
        pending:
          (await one("select count(*) n from message where state = 'pending'")) +
          (await one("select count(*) n from dispatch where state = 'pending' and kind like 'wxmp.reply%'")),
        dead:
          (await one("select count(*) n from message where state = 'fixed' and speaker = 'user'")) +
          (await one("select count(*) n from dispatch where state in ('dead', 'expired')")),
      };
    },
    async end() {
      await Promise.all(replicas.map((replica) => replica.serves())); // one that starts can't be asked to stop in order
      const ends = await Promise.all(replicas.map((replica) => replica.stop()));
      return replicas.flatMap(({ name, failures }, index) => [
        ...failures.map((how) => `${name} ended by itself: ${how}`),
        ...(ends[index] === 0 ? [] : [`${name} ended with ${ends[index]} on SIGTERM`]),
      ]);
    },
    async close() {
      for (const replica of replicas) {
        const stopped = replica.stop();
        replica.signal('SIGKILL');
        await stopped;
      }
      await database.close();
      await receiver.close();
      await ground.close();
    },
  };
  try {
    for (let index = 0; index < many; index++) {
      const url = ground.urls[index % ground.urls.length]!;
      const name = `replica-${index}`;
      const onLog = (line: string) => {
        stalls.read(name, line);
        if (process.env.TEST_LOG_LEVEL) process.stderr.write(`${line}\n`);
      };
      replicas.push(superviseReplica(name, { ...base, DATABASE_URL: url, ...envOf?.(index) }, onLog));
      if (index === 0) await replicas[0]!.serves(); // the schema is there
    }
    await Promise.all(replicas.map((replica) => replica.serves()));
    const first = replicas[0]!.url!;
    await post(first, '/api/wxmp/assistant/create', { appid, name: 'n' });
    await until('it has learned', async () => {
      const { status } = await post(first, '/api/wxmp/assistant/detail', { appid });
      return [2, 4, 6].includes(status);
    });
  } catch (error) {
    await field.close();
    throw error;
  }
  return field;
}

/** Resolves when `isDone`; throws when `progress` has stood still for `patienceMs`. */
export async function untilDone(
  what: string,
  progress: () => number,
  isDone: () => boolean | Promise<boolean>,
  patienceMs = 90_000,
): Promise<void> {
  let last = progress();
  let sinceMs = performance.now();
  while (!(await isDone())) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (progress() !== last) {
      last = progress();
      sinceMs = performance.now();
    } else if (performance.now() - sinceMs > patienceMs) {
      throw new Error(`${what}: stood still at ${last} for ${patienceMs} ms`);
    }
  }
}

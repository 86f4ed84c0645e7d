/** A fresh database per test file or test, on SQLite and, where TEST_DATABASE_URL names a server, on MySQL. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { createConnection } from 'mysql2/promise';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';

/** An empty database. */
export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/** The dialects that can be tested here, and how to make an empty database of each. */
export const dialects: { name: string; create(): Promise<TestDatabase> }[] = [
  { name: 'sqlite', create: createSqlite },
  ...(process.env.TEST_DATABASE_URL ? [{ name: 'mysql', create: () => createMysql() }] : []),
];

/** Calls `define` once per dialect, with an opener that makes a fresh database with the schema. */
export function eachDatabase(define: (dialectName: string, open: () => Promise<Database>) => void): void {
  for (const { name, create } of dialects) {
    const cleanups: (() => Promise<void>)[] = [];
    define(name, async () => {
      const { url, drop } = await create();
      const database = openDatabase({ url, poolSize: 8, queryTimeoutMs: 10_000 });
      cleanups.push(async () => {
        await database.close();
        await drop();
      });
      await migrate(database, { signal: AbortSignal.timeout(30_000), leaseMs: 10_000 });
      return database;
    });
    after(async () => {
      for (const cleanup of cleanups.splice(0)) await cleanup();
    });
  }
}

export async function createSqlite(): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'wxmp-test-'));
  return { url: `sqlite:${folder}/test.db`, drop: () => rm(folder, { recursive: true, force: true }) };
}

export async function createMysql(serverUrl = process.env.TEST_DATABASE_URL): Promise<TestDatabase> {
  const server = new URL(serverUrl!);
  const name = `wxmp_test_${randomBytes(6).toString('hex')}`;
  await onServer(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.toString(), drop: () => onServer(server, `drop database if exists ${name}`) };
}

async function onServer(server: URL, sql: string): Promise<void> {
  const connection = await createConnection({
    host: server.hostname,
    port: Number(server.port || 3306),
    user: decodeURIComponent(server.username),
    password: decodeURIComponent(server.password),
  });
  await connection.query(sql);
  await connection.end();
}

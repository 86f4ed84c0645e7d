import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '../../src/db/database.ts';
import type { Tx } from '../../src/db/tx.ts';
import { findHead } from '../../src/dispatch/begin.ts';
import { enqueue } from '../../src/dispatch/enqueue.ts';
import { insertMessage, takeNextIndex } from '../../src/message/store.ts';
import { eachDatabase } from '../support/databases.ts';
import { newDispatch } from '../support/dispatching.ts';
import { type History, makeHistory, type OldRow } from '../support/old-rows.ts';
import { runPrune } from '../support/pruning.ts';
import { createRandom, type Random } from '../support/random.ts';
import { listTables } from '../support/search-tables.ts';

const histories = Number(process.env.PRUNE_HISTORIES ?? 4);

eachDatabase((dialect, open) => {
  test(`of random histories exactly what is over goes, however often the job is cut off, on ${dialect}`, async (t) => {
    const database = await open();
    for (let each = 0; each < histories; each++) {
      const random = createRandom(each === 0 ? undefined : Math.floor(Math.random() * 2 ** 31));
      t.diagnostic(`seed ${random.seed}`);
      await empty(database);
      const [row] = await database.all<{ now: number }>(`select ${database.dialect.now} now`);
      const history = makeHistory(random, row!.now);
      await insertAll(database, history.rows);
      for (let cuts = 0; cuts < 6; cuts++) {
        await cutOff(database, random);
        await check(database, history.rows, 'part');
      }
      await runPrune(database);
      await check(database, history.rows, 'all');
      await runPrune(database);
      await check(database, history.rows, 'all');
      await goOn(database, history);
    }
  });
});

async function empty(database: Database): Promise<void> {
  const kept = ['lease', 'schema_migration'];
  for (const table of await listTables(database)) if (!kept.includes(table)) await database.run(`delete from ${table}`);
}

async function insertAll(database: Database, rows: readonly OldRow[]): Promise<void> {
  for (const table of new Set(rows.map((row) => row.table))) {
    const ofTable = rows.filter((row) => row.table === table).map(({ row }) => row);
    for (let from = 0; from < ofTable.length; from += 50) await database.insert(table, ofTable.slice(from, from + 50));
  }
}

/** Runs the job until its signal is aborted, or every statement fails, after a random number of statements. */
async function cutOff(database: Database, random: Random): Promise<void> {
  const abort = new AbortController();
  const fails = random.chance(0.5);
  let left = 1 + random.below(150);
  const tick = () => {
    left--;
    if (left > 0) return;
    if (fails) throw new Error('the process died here');
    abort.abort(new Error('stopped'));
  };
  const cut: Database = {
    ...database,
    all: async (...args) => {
      tick();
      return database.all(...args) as never;
    },
    run: async (...args) => {
      tick();
      return database.run(...args);
    },
    tx: (work, options) =>
      database.tx(
        (tx) =>
          work({
            ...tx,
            all: async (...args: Parameters<Tx['all']>) => {
              tick();
              return tx.all(...args) as never;
            },
            run: async (...args) => {
              tick();
              return tx.run(...args);
            },
          }),
        options,
      ),
  };
  await runPrune(cut, {}, abort.signal).catch((error) => {
    if (!/died here|stopped/.test(String(error))) throw error;
  });
}

/** What stays is there, unchanged; what goes is not there any more, or in part. */
async function check(database: Database, rows: readonly OldRow[], how: 'part' | 'all'): Promise<void> {
  const wrong: string[] = [];
  for (const table of new Set(rows.map((row) => row.table))) {
    const found = await database.all<Record<string, unknown>>(`select * from ${table}`);
    const ofTable = rows.filter((row) => row.table === table);
    const keyOf = (row: Record<string, unknown>) => ofTable[0]!.key.map((column) => String(row[column])).join('/');
    const byKey = new Map(found.map((row) => [keyOf(row), row]));
    for (const { row, fate } of ofTable) {
      const now = byKey.get(keyOf(row));
      const what = `${table} ${JSON.stringify(row)} which ${fate}`;
      if (fate === 'goes') {
        if (how === 'all' && now !== undefined) wrong.push(`there is still ${what}`);
      } else if (now === undefined) wrong.push(`there is no more ${what}`);
      else {
        const expected: Record<string, unknown> = { ...row };
        if (fate === 'blank' && (how === 'all' || now.payload === '')) {
          expected.payload = '';
          expected.fallback_payload = '';
        }
        for (const [column, value] of Object.entries(expected)) {
          const same = value instanceof Uint8Array ? value.length > 0 : now[column] === value;
          if (!same) wrong.push(`${column} is ${now[column]} of ${what}`);
        }
      }
    }
    if (found.length > ofTable.length) wrong.push(`${table} has more rows than before`);
  }
  assert.deepEqual(wrong, []);
}

/** A conversation that is left goes on with its next number, one that went begins anew; lanes keep their order. */
async function goOn(database: Database, { conversations, lanes }: History): Promise<void> {
  for (const [at, { appid, scopeKey, lastIndex, goes }] of conversations.entries()) {
    const message = { appid, channel: 'live' as const, msgid: `new-${at}`, openid: 'user', msgType: 'text' };
    const index = await database.tx(async (tx) => {
      const next = await takeNextIndex(tx, { appid, scopeKey });
      await insertMessage(tx, next, { ...message, content: 'x', mediaId: null, mediaFormat: null, payloadHash: '' });
      return next.messageIndex;
    });
    assert.equal(index, goes ? 1 : lastIndex + 1);
  }
  for (const { laneId, appid } of lanes) {
    const pending = async () =>
      database.all<{ dispatch_id: string; sequence: number }>(
        "select dispatch_id, sequence from dispatch where lane_id = ? and state = 'pending' order by sequence",
        [laneId],
      );
    const before = await pending();
    const id = await database.tx((tx) => enqueue(tx, newDispatch(laneId, 'new', { appid })));
    const after = await pending();
    assert.deepEqual(
      after.map((row) => row.dispatch_id),
      [...before.map((row) => row.dispatch_id), id],
      'it comes behind all that waited before',
    );
    assert.equal((await findHead(database, laneId))?.dispatchId, after[0]!.dispatch_id);
    const [row] = await database.all<{ due_at: number | null }>('select due_at from lane where lane_id = ?', [laneId]);
    assert.notEqual(row!.due_at, null, 'the lane is due');
  }
}

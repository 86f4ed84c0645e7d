import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../src/db/database.ts';
import { enqueue } from '../../src/dispatch/enqueue.ts';
import { startDispatch } from '../../src/dispatch/start-dispatch.ts';
import { createLogger } from '../../src/logger.ts';
import { eachDatabase } from '../support/databases.ts';
import { deliverOptions, newDispatch } from '../support/dispatching.ts';
import { runPrune } from '../support/pruning.ts';
import { until } from '../support/until.ts';

/** So many dispatches, and as many questions with their answers and explanations, are pruned. */
const size = Number(process.env.PRUNE_ROWS ?? 3000);
const lanes = Array.from({ length: 30 }, (_, at) => `busy-${at}`);
/** Dispatches that wait at a time while the sender is watched. */
const backlog = 60;
/** Claims that are timed without pruning; with it at least as many. */
const leastClaims = 150;
/** A claim waits for less than this part of the job: one that was held up by it would wait to its end. */
const mostShare = 0.25;

const dayMs = 24 * 60 * 60 * 1000;

eachDatabase((dialect, open) => {
  test(`pruning ${size} dispatches and messages holds up nobody who sends, on ${dialect}`, async (t) => {
    const database = await open();
    await fill(database);
    const errors: unknown[] = [];
    const claims: number[] = [];
    const arrived = new Map<string, number[]>();
    const logger = createLogger('silent');
    logger.error = ((entry: unknown) => errors.push(entry)) as typeof logger.error;
    const send = async ({ laneId, payload }: { laneId: string; payload: string }) => {
      arrived.set(laneId, [...(arrived.get(laneId) ?? []), Number(payload)]);
    };
    const loop = startDispatch({ ...deliverOptions(timed(database, claims), send), logger, leaseMs: 30_000 });
    const ticking = setInterval(loop.wake, 50);
    let sent = 0;
    const feed = async (isOver: () => boolean) => {
      claims.length = 0;
      for (; claims.length < leastClaims || !isOver(); sent++) {
        const dispatch = newDispatch(lanes[sent % lanes.length]!, String(sent));
        await database.tx((tx) => enqueue(tx, dispatch));
        loop.wake();
        const done = () => [...arrived.values()].reduce((sum, list) => sum + list.length, 0);
        while (sent - done() > backlog) await sleep(2);
      }
      return percentile95(claims);
    };
    try {
      const alone = await feed(() => true);
      let isPruned = false;
      const startedMs = performance.now();
      const pruning = runPrune(database)
        .catch((error) => errors.push(error))
        .finally(() => {
          isPruned = true;
        });
      const beside = await feed(() => isPruned);
      await pruning;
      const tookMs = performance.now() - startedMs;
      const count = await leftOver(database);
      t.diagnostic(
        `claim p95 ${alone.toFixed(1)} ms alone, ${beside.toFixed(1)} ms beside the job; ` +
          `${size} pruned in ${(tookMs / 1000).toFixed(1)} s while ${claims.length} claims were made, ${sent} sent in all`,
      );
      await until('all has arrived', () => [...arrived.values()].flat().length >= sent);
      assert.deepEqual(errors, []);
      assert.deepEqual(count, { dispatches: 0, messages: 0, explanations: 0, attempts: 0 });
      assert.equal([...arrived.values()].flat().length, sent, 'each arrived once');
      for (const [lane, list] of arrived)
        assert.deepEqual(
          list,
          list.toSorted((a, b) => a - b),
          `${lane} is in order`,
        );
      assert.ok(beside < mostShare * tookMs, `of a job of ${tookMs} ms a claim waited for ${beside} ms`);
    } finally {
      clearInterval(ticking);
      await loop.stop(5000);
    }
  });
});

/** The same database, that notes how long each claim took. */
function timed(database: Database, claims: number[]): Database {
  return {
    ...database,
    async run(sql, bindings) {
      const startedMs = performance.now();
      const result = await database.run(sql, bindings);
      if (sql.startsWith('update lane ') && sql.includes('set lease_token = ?'))
        claims.push(performance.now() - startedMs);
      return result;
    },
  };
}

async function fill(database: Database): Promise<void> {
  const appid = 'wx_old';
  await database.run("insert into assistant (appid, incarnation, created_at, updated_at) values ('wx_old', 1, 1, 1)");
  const [row] = await database.all<{ now: number }>(`select ${database.dialect.now} now`);
  const at = row!.now - 40 * dayMs;
  const id = (kind: string, n: number) => `${kind}${String(n).padStart(8, '0')}`;
  for (let from = 0; from < size; from += 100) {
    const numbers = Array.from({ length: Math.min(100, size - from) }, (_, n) => from + n);
    const conversation = (n: number) => id('c', Math.floor(n / 50));
    await database.tx(async (tx) => {
      await tx.insert(
        'message',
        numbers.flatMap((n) => {
          const common = { conversation_id: conversation(n), appid, channel: 'live', openid: 'user', msg_type: 'text' };
          const said = { ...common, content: '成人票多少钱？'.repeat(10), state: 'answered', created_at: at + n };
          const question = { message_id: id('q', n), msgid: id('q', n), message_index: 2 * n, speaker: 'user' };
          const answer = { message_id: id('a', n), msgid: null, message_index: 2 * n + 1, speaker: 'assistant' };
          return [
            { ...said, ...question, answers: null },
            { ...said, ...answer, answers: id('q', n) },
          ];
        }),
      );
      await tx.insert(
        'explanation',
        numbers.map((n) => ({ message_id: id('q', n), body: '{"why":"words"}'.repeat(50), created_at: at + n })),
      );
      await tx.insert(
        'dispatch',
        numbers.map((n) => ({
          ...{
            dispatch_id: id('d', n),
            lane_id: `conversation:${conversation(n)}`,
            sequence: n,
            dedupe_key: id('k', n),
          },
          ...{ kind: 'test', appid, message_id: id('q', n), payload: '168 元'.repeat(50), state: 'delivered' },
          ...{ expires_at: at, created_at: at + n, settled_at: at + n },
        })),
      );
      await tx.insert(
        'dispatch_attempt',
        numbers.map((n) => ({
          ...{ dispatch_id: id('d', n), attempt: 1, outcome: 'delivered', kind: 'test', route: 'first' },
          ...{ started_at: at, ended_at: at },
        })),
      );
    });
  }
}

async function leftOver(database: Database) {
  const count = async (sql: string) => (await database.all(`select 1 from ${sql}`)).length;
  return {
    dispatches: await count("dispatch where appid = 'wx_old'"),
    messages: await count('message'),
    explanations: await count('explanation'),
    attempts: await count("dispatch_attempt where kind = 'test' and dispatch_id like 'd%'"),
  };
}

function percentile95(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? 0;
}

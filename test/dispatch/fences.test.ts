import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../src/db/database.ts';
import type { Lease } from '../../src/db/lease.ts';
import type { Run } from '../../src/db/work-loop.ts';
import type { Outcome } from '../../src/dispatch/attempts.ts';
import { beginHead, findHead } from '../../src/dispatch/begin.ts';
import { deliverLane } from '../../src/dispatch/deliver.ts';
import type { Sender } from '../../src/dispatch/dispatch.ts';
import { releaseLane, settleEnd, settleRetry } from '../../src/dispatch/settle.ts';
import { CallError } from '../../src/errors.ts';
import { eachDatabase } from '../support/databases.ts';
import {
  claimLanes,
  deliverOptions,
  emptied,
  enqueueAll,
  listDispatches,
  recordingSender,
  snapshot,
} from '../support/dispatching.ts';

const run: Run = { signal: new AbortController().signal, isStopping: () => false };

eachDatabase((dialect, create) => {
  const open = emptied(create);
  describe(`fences on ${dialect}`, () => {
    /** A lane with two dispatches, and its lease. */
    const claimed = async (leaseMs = 60_000) => {
      const database = await open();
      await enqueueAll(database, 'lane', ['one', 'two']);
      const [lease] = await claimLanes(database, 1, leaseMs);
      return { database, lease: lease! };
    };
    /** Another worker takes the lane. Returns what it then looks like. */
    const steal = async (database: Database) => {
      await database.run(`update lane set lease_token = 'thief', due_at = ${database.dialect.now} + 60000`);
      return snapshot(database);
    };
    /** The first try of a dispatch, ended. */
    const tried = <Kind extends Outcome>(outcome: Kind) => ({ number: 1, outcome, tookMs: 5, reason: null });
    const deliver = (database: Database, lease: Lease, send: Sender, more = {}) =>
      deliverLane({ ...deliverOptions(database, send), wakeIn: () => {}, ...more }, lease, run);

    test('a lane that is stolen before begin is not sent from, and nothing of it changes', async () => {
      const { database, lease } = await claimed();
      const stolen = await steal(database);
      const { send, tried } = recordingSender();
      await deliver(database, lease, send);
      assert.deepEqual(tried, []);
      assert.equal(await snapshot(database), stolen);
    });

    for (const [name, fail] of [
      ['delivered', undefined],
      ['failed for good', new CallError('no', { verdict: 'permanent' })],
      ['failed for now', new CallError('no')],
    ] as const) {
      test(`a lane that is stolen while one is sent is left alone, when that is ${name}`, async () => {
        const { database, lease } = await claimed();
        let stolen = '';
        const tried: string[] = [];
        await deliver(database, lease, async ({ payload }) => {
          tried.push(payload);
          stolen = await steal(database);
          if (fail !== undefined) throw fail;
        });
        assert.deepEqual(tried, ['one'], 'the next one is the thief’s');
        // Only that this try did not kill is counted.
        assert.match(stolen, /"started":1,"finished":0/);
        assert.equal(await snapshot(database), stolen.replace('"started":1,"finished":0', '"started":1,"finished":1'));
      });
    }

    test('a lane that is stolen after a settle is neither begun again nor released', async () => {
      const { database, lease } = await claimed();
      const head = (await findHead(database, lease.id))!;
      assert.equal(await database.tx((tx) => beginHead(tx, lease, head)), 'begun');
      assert.equal(await database.tx((tx) => settleEnd(tx, lease, head, tried('delivered'))), true);
      const stolen = await steal(database);
      assert.equal(await database.tx((tx) => beginHead(tx, lease, head)), 'lost');
      assert.equal(await database.tx((tx) => settleEnd(tx, lease, head, tried('refused'))), false);
      assert.equal(await database.tx((tx) => settleRetry(tx, lease, head, tried('failed'), () => 1)), undefined);
      assert.equal(await database.tx((tx) => releaseLane(tx, lease)), false);
      assert.equal(await snapshot(database), stolen);
    });

    test('settling twice, as when a commit took effect unseen, changes nothing the second time', async () => {
      const { database, lease } = await claimed();
      const head = (await findHead(database, lease.id))!;
      assert.equal(await database.tx((tx) => beginHead(tx, lease, head)), 'begun');
      const settle = () => database.tx((tx) => settleEnd(tx, lease, head, tried('delivered')));
      const withoutDue = async () => (await snapshot(database)).replace(/"due_at":\d+/, '');
      assert.equal(await settle(), true);
      const settled = await withoutDue();
      assert.equal(await settle(), true);
      assert.equal(await withoutDue(), settled);
    });

    test('beginning again and again, as when commits take effect unseen, is one start: no innocent is buried', async () => {
      const { database, lease } = await claimed();
      const head = (await findHead(database, lease.id))!;
      for (let again = 0; again < 4; again++) {
        assert.equal(await database.tx((tx) => beginHead(tx, lease, head)), 'begun');
      }
      const { send, sent } = recordingSender();
      await deliver(database, lease, send);
      assert.deepEqual(sent, ['one', 'two']);
    });

    test('one that was cancelled after it was looked at is not sent', async () => {
      const { database, lease } = await claimed();
      const head = (await findHead(database, lease.id))!;
      await database.run("update dispatch set state = 'cancelled' where payload = 'one'");
      assert.equal(await database.tx((tx) => beginHead(tx, lease, head)), 'gone');
      const { send, sent } = recordingSender();
      await deliver(database, lease, send);
      assert.deepEqual(sent, ['two']);
    });

    test('one whose time is over after it was looked at is not begun, by the clock of the database', async () => {
      const { database, lease } = await claimed();
      const head = (await findHead(database, lease.id))!;
      await database.run(`update dispatch set expires_at = ${database.dialect.now}`);
      assert.equal(await database.tx((tx) => beginHead(tx, lease, head)), 'gone');
      const { send, tried } = recordingSender();
      await deliver(database, lease, send);
      assert.deepEqual(tried, []);
    });

    test('the lease is kept over many that have expired: each that is ended renews it', async () => {
      const { database, lease } = await claimed();
      const head = (await findHead(database, lease.id))!;
      await database.run(`update lane set due_at = ${database.dialect.now} + 1000`);
      const expired = { number: 0, outcome: 'expired', tookMs: 0, reason: 'late' } as const;
      assert.equal(await database.tx((tx) => settleEnd(tx, lease, head, expired)), true);
      const [lane] = await database.all<{ ms: number }>(`select due_at - ${database.dialect.now} ms from lane`);
      assert.ok(lane!.ms > 20_000, `${lane!.ms} ms are left of the lease`);
    });

    test('whoever was paused past its lease does not send, even if nobody has taken the lane yet', async () => {
      const { database, lease } = await claimed(1500);
      const sentMs: number[] = [];
      let pauses = 1;
      // Like SIGSTOP between begin and send: this process stands still, the database's clock does not.
      const pausing: Database = {
        ...database,
        tx: async (work, options) => {
          const result = await database.tx(work, options);
          if (pauses-- > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1400);
          return result;
        },
      };
      const trustMs = 400;
      const send: Sender = async () => void sentMs.push(lease.trustedUntilMs - performance.now());
      await deliver(pausing, lease, send, { sendTimeoutMs: trustMs });
      assert.equal(sentMs.length, 2);
      assert.ok(Math.min(...sentMs) > trustMs, `sent with ${sentMs.map(Math.round)} ms of trust left`);
      const rows = await listDispatches(database);
      assert.deepEqual(
        rows.map(({ state, started, finished }) => [state, started, finished]),
        [
          ['delivered', 1, 1],
          ['delivered', 1, 1],
        ],
        'the try that was not made does not count',
      );
    });

    test('whoever was paused past its lease changes nothing, when somebody has taken the lane', async () => {
      const { database, lease } = await claimed(50);
      await sleep(80);
      const [next] = await claimLanes(database, 1, 60_000);
      const { send, sent } = recordingSender();
      const before = await snapshot(database);
      await deliver(database, lease, send);
      assert.deepEqual(sent, []);
      assert.equal(await snapshot(database), before);
      await deliver(database, next!, send);
      assert.deepEqual(sent, ['one', 'two']);
    });

    test('a dispatch that is enqueued while its lane is released is not forgotten', async () => {
      const database = await open();
      const { send, sent } = recordingSender();
      // Each round, a dispatch is enqueued just as the lane's holder finds nothing more and lets go.
      for (let round = 0; round < 15; round++) {
        await enqueueAll(database, 'lane', [`a${round}`]);
        const [lease] = await claimLanes(database, 1, 60_000);
        const delivering = deliver(database, lease!, send);
        await Promise.all([delivering, enqueueAll(database, 'lane', [`b${round}`])]);
        const [rest] = await claimLanes(database, 1, 60_000);
        if (rest !== undefined) await deliver(database, rest, send);
        const pending = (await listDispatches(database)).filter(({ state }) => state === 'pending');
        assert.deepEqual(pending, [], `round ${round}`);
      }
      assert.equal(sent.length, 30);
    });

    test('a lane with a drain key is left to the holder of the lease of that name', async () => {
      const database = await open();
      await enqueueAll(database, 'anyone', ['p']);
      await database.run(`insert into lane (lane_id, drain_key, due_at) values ('bot', 'b', ${database.dialect.now})`);
      const claimed = await claimLanes(database, 10, 60_000);
      assert.deepEqual(
        claimed.map(({ id }) => id),
        ['anyone'],
      );
    });
  });
});

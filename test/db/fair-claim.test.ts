import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { ulid } from 'ulid';
import type { Database } from '../../src/db/database.ts';
import { createFairClaim } from '../../src/db/fair-claim.ts';
import { countAllowed } from '../../src/db/fair-share.ts';
import { type Lease, releaseLease } from '../../src/db/lease.ts';
import { roundWait } from '../../src/db/work-loop.ts';
import { eachDatabase } from '../support/databases.ts';

const leased = { table: 'conversation', key: 'conversation_id' } as const;

test('alone an account gets four fifths, two get equal parts, and the last is left to who has none', () => {
  const alone = (all: number) => countAllowed(0, all, all);
  assert.deepEqual([1, 2, 3, 4, 8, 16, 100].map(alone), [1, 1, 2, 3, 7, 13, 80]);
  assert.equal(countAllowed(0, 1, 8), 1);
  assert.equal(countAllowed(1, 1, 8), 0);
  assert.equal(countAllowed(9, 2, 8), 0);
  for (let all = 2; all <= 64; all++) {
    const held = [0, 0, 0];
    // Whoever ends begins anew if it may; so it goes on until nobody may.
    for (let round = 0; round < 200; round++) {
      const at = round % 3;
      held[at] = Math.max(0, held[at]! - 1);
      held[at] += countAllowed(held[at]!, all - held[0]! - held[1]! - held[2]!, 1);
      held[at] += countAllowed(held[at]!, all - held[0]! - held[1]! - held[2]!, 1);
    }
    const free = all - held[0]! - held[1]! - held[2]!;
    assert.ok(free >= 0 && Math.max(...held) - Math.min(...held) <= Math.max(2, all / 4), `${all}: ${held}`);
  }
});

test('however many waits there are, they end at some hundred times, at most an eighth too late', () => {
  const nowMs = 123_456.789;
  const ends = new Set<number>();
  for (let waitMs = 0; waitMs <= 300_000; waitMs += 7.3) {
    const atMs = roundWait(nowMs, waitMs);
    assert.ok(atMs >= nowMs + waitMs && atMs <= nowMs + 1.125 * waitMs + 1, `${waitMs}: ${atMs - nowMs}`);
    ends.add(atMs);
  }
  assert.ok(ends.size < 400, `${ends.size}`);
});

eachDatabase((dialect, open) => {
  describe(`accounts that share workers, on ${dialect}`, () => {
    let database: Database;
    before(async () => {
      database = await open();
    });

    /** Rows of each account, all due, those of the first account for the longest time. */
    async function fill(rows: Record<string, number>): Promise<void> {
      await database.run('delete from conversation');
      let dueAt = 1;
      for (const [appid, count] of Object.entries(rows)) {
        const all = Array.from({ length: count }, (_, at) => ({
          ...{ conversation_id: ulid(), appid, scope_key: `user-${at}`, due_at: dueAt++ },
        }));
        for (let at = 0; at < all.length; at += 200) await database.insert('conversation', all.slice(at, at + 200));
      }
    }

    const accountOf = async ({ id }: Lease) =>
      (await database.all<{ appid: string }>('select appid from conversation where conversation_id = ?', [id]))[0]!
        .appid;
    const accountsOf = async (leases: Lease[]) => (await Promise.all(leases.map(accountOf))).sort().join(' ');
    const share = (session = database) =>
      createFairClaim({ session, leased, leaseMs: 60_000, index: 'conversation_by_account' });

    test('each of them has its turn, whatever waits of the others', async () => {
      await fill({ flood: 3000, small: 1, tiny: 2 });
      const { claim, end } = share();
      const first = await claim(8);
      assert.equal(await accountsOf(first), 'flood flood flood small tiny tiny');
      assert.equal(await accountsOf(await claim(2)), 'flood', 'the last is left to others');
      for (const lease of first) end(lease);
      assert.equal(await accountsOf(await claim(1)), '', 'not by one who has one');
    });

    test('one alone gets all but what is left to others, and that one as soon as it comes', async () => {
      await fill({ flood: 50 });
      const { claim } = share();
      assert.equal((await claim(8)).length, 7);
      assert.deepEqual(await claim(1), []);
      await database.insert('conversation', [{ conversation_id: ulid(), appid: 'zoo', scope_key: 'u', due_at: 9e9 }]);
      assert.equal(await accountsOf(await claim(1)), 'zoo');
    });

    test('an account that comes later has as many workers as the flood before long', async () => {
      await fill({ flood: 300 });
      const { claim, end } = share();
      const held = (await claim(8)).map((lease) => ({ lease, appid: 'flood' }));
      assert.equal(held.length, 7);
      await fill({ flood: 300, other: 300 });
      for (let round = 0; round < 24; round++) {
        end(held.shift()!.lease); // the one that has been worked on longest
        const leases = await claim(8 - held.length);
        held.push(...(await Promise.all(leases.map(async (lease) => ({ lease, appid: await accountOf(lease) })))));
      }
      const count = (appid: string) => held.filter((each) => each.appid === appid).length;
      assert.ok(
        held.length >= 7 && Math.abs(count('flood') - count('other')) <= 1,
        `${count('flood')} ${count('other')}`,
      );
    });

    test('turns go round: of many accounts none waits twice while another has its second turn', async () => {
      const accounts = Array.from({ length: 30 }, (_, at) => `wx${String(at).padStart(2, '0')}`);
      await fill(Object.fromEntries(accounts.map((appid) => [appid, 3])));
      const { claim, end } = share();
      const order: string[] = [];
      while (order.length < 90) {
        const leases = await claim(7);
        for (const lease of leases) {
          order.push(await accountOf(lease));
          await releaseLease(database, lease, undefined);
          end(lease);
        }
        assert.ok(leases.length > 0, 'somebody has its turn');
      }
      for (const round of [0, 1, 2]) assert.deepEqual(order.slice(30 * round, 30 * round + 30), accounts);
      assert.deepEqual(await claim(7), []);
    });

    test('rows of an account without a name are claimed as well, and accounts that wait are passed over', async () => {
      await fill({ '': 1, wait: 40, work: 1 });
      await database.run(`update conversation set due_at = ${database.dialect.now} + 60000 where appid = 'wait'`);
      const { claim } = share();
      assert.equal((await accountsOf(await claim(8))).trim(), 'work');
      assert.deepEqual(await claim(1), []);
    });

    test('one that is due is found at once, behind hundreds of accounts that wait for later', async () => {
      const waiting = Array.from({ length: 300 }, (_, at) => [`wait-${at}`, 1]);
      await fill({ ...Object.fromEntries(waiting), 'work-last': 1 });
      await database.run(`update conversation set due_at = ${database.dialect.now} + 60000 where appid <> 'work-last'`);
      const { claim } = share();
      assert.equal(await accountsOf(await claim(8)), 'work-last');
      assert.deepEqual(await claim(8), []);
    });

    test('what fails after a part was claimed gives that part', async () => {
      await fill({ a: 5, b: 5 });
      let claims = 0;
      const failing: Database = {
        ...database,
        run: async (sql, bindings) => {
          if (sql.startsWith('update') && ++claims === 2) throw new Error('cut off');
          return database.run(sql, bindings);
        },
      };
      assert.equal((await accountsOf(await share(failing).claim(4))).replaceAll(' ', ''), 'aa');
    });

    test('what a claim reads does not grow with what one account has', async () => {
      await fill({ flood: 5000, small: 1 });
      await database.run(dialect === 'mysql' ? 'analyze table conversation' : 'analyze');
      const sent: { sql: string; bindings: readonly (string | number | null | Uint8Array)[] }[] = [];
      const spy: Database = {
        ...database,
        all: (sql, bindings = []) => {
          sent.push({ sql, bindings });
          return database.all(sql, bindings);
        },
        run: (sql, bindings = []) => {
          sent.push({ sql, bindings });
          return database.run(sql, bindings);
        },
      };
      assert.equal((await share(spy).claim(4)).length, 3);
      assert.ok(sent.length <= 9, `${sent.length} statements`);
      for (const { sql, bindings } of sent) {
        const plan = dialect === 'mysql' ? `explain ${sql}` : `explain query plan ${sql}`;
        const rows = await database.all<{ key?: string; detail?: string; Extra?: string }>(plan, bindings);
        const used = rows.map(({ key, detail }) => key ?? detail).join('\n');
        const isLongest = /^select due_appid appid from conversation\s/.test(sql) && !/is_due/.test(sql);
        const isToken = /lease_token = \?$/.test(sql);
        const index = `conversation_by_${isToken ? 'token' : isLongest ? 'due' : 'account'}`;
        assert.match(used, new RegExp(index), sql);
        assert.doesNotMatch(JSON.stringify(rows), /filesort|temporary|B-TREE|SCAN conv/i, sql);
      }
      if (dialect !== 'mysql') return;
      await assertFewReads(sent.filter(({ sql }) => sql.startsWith('select due_appid')));
    });

    /** What MySQL really reads: next to nothing, where the account that is passed over has thousands of rows. */
    async function assertFewReads(
      statements: { sql: string; bindings: readonly (string | number | null | Uint8Array)[] }[],
    ) {
      assert.ok(statements.length > 0);
      await database.tx(async (tx) => {
        const readRows = async () => {
          const rows = await tx.all<{ Value: string }>("show session status like 'Handler_read%'");
          return rows.reduce((sum, { Value }) => sum + Number(Value), 0);
        };
        const before = await readRows();
        for (const { sql, bindings } of statements) await tx.all(sql, bindings);
        const read = (await readRows()) - before;
        assert.ok(read <= 10 * statements.length, `${read} rows for ${statements.length} statements`);
      });
    }
  });
});

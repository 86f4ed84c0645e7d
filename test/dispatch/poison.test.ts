import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Database } from '../../src/db/database.ts';
import type { Sender } from '../../src/dispatch/dispatch.ts';
import { createGate } from '../support/accounts.ts';
import { eachDatabase } from '../support/databases.ts';
import { deliverOptions, emptied, enqueueAll, listDispatches, startWorker } from '../support/dispatching.ts';
import { until } from '../support/until.ts';

const never = new Promise<never>(() => {});

eachDatabase((dialect, create) => {
  const open = emptied(create);
  describe(`a dispatch that kills the process, on ${dialect}`, () => {
    test('is buried after three deaths, and no innocent that was under way each time with it', async () => {
      const database = await open();
      const lanes = Array.from({ length: 7 }, (_, index) => `lane-${index}`);
      await enqueueAll(database, 'poisoned', ['poison', 'after']);
      for (const lane of lanes)
        await enqueueAll(
          database,
          lane,
          [1, 2, 3, 4].map((number) => `${lane}/${number}`),
        );
      await database.run(`update lane set due_at = ${database.dialect.now}`); // all at once, as after a restart

      const sent: string[] = [];
      let deaths = 0;
      for (; deaths < 8; deaths++) {
        const death = createGate();
        let isDead = false;
        const send: Sender = async ({ payload }) => {
          await new Promise((resolve) => setTimeout(resolve, payload === 'poison' ? 30 : 60));
          isDead ||= payload === 'poison';
          if (isDead) {
            death.open();
            await never;
          }
          sent.push(payload);
        };
        const worker = startWorker(
          deliverOptions(
            mortal(database, () => isDead),
            send,
          ),
        );
        const settled = until('all is settled', async () => isDead || (await areSettled(database)), 30_000);
        await Promise.race([death.opened, settled]);
        if (!isDead) {
          await worker.stop();
          break;
        }
        worker.abandon();
        await database.run(`update lane set due_at = ${database.dialect.now} where lease_token is not null`); // leases end
      }
      assert.equal(deaths, 3);
      const rows = await listDispatches(database);
      assert.deepEqual(
        rows.filter(({ state }) => state !== 'delivered').map(({ payload, state }) => [payload, state]),
        [['poison', 'dead']],
      );
      for (const lane of lanes.map((each) => `${each}/`))
        assert.deepEqual(
          sent.filter((payload) => payload.startsWith(lane)),
          [1, 2, 3, 4].map((number) => `${lane}${number}`),
        );
      assert.deepEqual(
        sent.filter((payload) => !payload.startsWith('lane')),
        ['after'],
      );
    });
  });
});

async function areSettled(database: Database): Promise<boolean> {
  return (await listDispatches(database)).every(({ state }) => state !== 'pending');
}

/** A database as seen by a process that may be dead: then nothing of what it asks for happens. */
function mortal(database: Database, isDead: () => boolean): Database {
  return {
    ...database,
    all: (sql, bindings) => (isDead() ? never : database.all(sql, bindings)),
    run: (sql, bindings) => (isDead() ? never : database.run(sql, bindings)),
    tx: (work, options) => (isDead() ? never : database.tx(work, options)),
  };
}

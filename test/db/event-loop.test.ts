import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eachDatabase } from '../support/databases.ts';

eachDatabase((dialect, open) => {
  describe(`the event loop on ${dialect}`, () => {
    test('work that asks nobody but the database lets timers and sockets have their turn', async () => {
      const database = await open();
      await database.insert('lane', [{ lane_id: 'a' }]);
      let working = true;
      let turns = 0;
      const count = () => {
        turns++;
        if (working) setImmediate(count);
      };
      setImmediate(count);
      for (let index = 0; index < 100; index++) {
        await database.tx((tx) => tx.run("update lane set failures = failures + 1 where lane_id = 'a'"));
        await database.all('select failures from lane');
      }
      working = false;
      assert.ok(turns > 100, `${turns} turns in 100 rounds`);
    });
  });
});

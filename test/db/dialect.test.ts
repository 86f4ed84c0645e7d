import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mysql } from '../../src/db/dialect.ts';

for (const [errno, what] of [
  [1213, "Galera's failed certification"],
  [1047, 'a Galera node that is not ready'],
  [1180, 'a Galera cluster that breaks up during the commit'],
  [3101, "Group Replication's failed certification"],
  [9007, "TiDB's conflict of writes"],
] as const) {
  test(`${what} makes a transaction be run again`, () => {
    assert.equal(mysql.isTransient(Object.assign(new Error('refused'), { errno })), true);
  });
}

test('a duplicate key, a missing table and a text that is too long do not', () => {
  for (const errno of [1062, 1146, 1406]) assert.equal(mysql.isTransient({ errno }), false);
});

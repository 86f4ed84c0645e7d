import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runConnections } from '../bench/connections/connections.ts';
import { dialects } from '../support/databases.ts';

/** `make bench PART=connections`, small: with a thousand bots it takes minutes. */
for (const { name: dialect } of dialects) {
  test(`bots are connected one after another, stay so, and each question is answered, on ${dialect}`, {
    timeout: 170_000,
  }, async () => {
    const say = (line: string) => console.log(line);
    const { broken, seen } = await runConnections({ dialect, bots: 100, seconds: 5, perSecond: 4, say });
    assert.deepEqual(broken, []);
    assert.equal(seen.answeredMs.length, 20);
  });
}

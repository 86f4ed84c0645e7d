import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { eachDatabase } from '../support/databases.ts';
import { askAll, learnAll } from './ask-all.ts';
import { auroc, type Outcome, refusalAt, shareOf, summarise } from './figures.ts';
import { toQuestionSet } from './squad.ts';

const json = JSON.parse(readFileSync(join(import.meta.dirname, 'small.json'), 'utf8'));
const { contexts, questions } = toQuestionSet(json, 'small');
const strangers = (json.unanswerable as string[]).map((question) => ({ question, contextId: 'none', answers: ['-'] }));

const seen = new Map<string, Outcome[]>();

eachDatabase((dialect, open) => {
  describe(`a small set of our own, on ${dialect}`, () => {
    test('what can be answered is answered with the gold in it, what can not is refused', async () => {
      const database = await open();
      await learnAll(database, contexts);
      const outcomes = await askAll(database, questions);
      const refused = await askAll(database, strangers);
      const figures = summarise(outcomes);
      assert.ok(figures.recallAt1 >= 0.95 && figures.recallAt5 === 1, JSON.stringify(figures));
      assert.ok(figures.answered >= 0.95 && figures.goldInReply >= 0.9 && figures.goldCited >= 0.95);
      assert.ok(figures.meanLength <= 120);
      assert.ok(shareOf(refused, (outcome) => outcome.refused) >= 0.9);
      seen.set(dialect, [...outcomes, ...refused]);
    });
  });
});

test('every dialect gives the same, to the last digit', () => {
  const [first, ...others] = [...seen.values()];
  for (const other of others) assert.deepEqual(other, first);
});

test('AUROC counts the pairs in order, and half of the equal ones', () => {
  assert.equal(auroc([0.9, 0.8], [0.1, 0.2]), 1);
  assert.equal(auroc([0.1], [0.9]), 0);
  assert.equal(auroc([0.5, 0.9], [0.5]), 0.75);
  assert.deepEqual(refusalAt(0.5, [0.2, 0.6, 0.8, 0.9], [0.1, 0.7, 0.95]), { threshold: 0.8, refused: 2 / 3 });
});

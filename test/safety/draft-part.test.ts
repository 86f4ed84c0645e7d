import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { findDraftPart } from '../../src/safety/draft-part.ts';
import { listOf } from './write-list.ts';

describe('of a draft', () => {
  test('only whole sentences are checked, each once, after the end of what came before', () => {
    assert.equal(findDraftPart('水母每天', ''), undefined);
    assert.deepEqual(findDraftPart('水母每天吃。它', ''), { text: '水母每天吃。', upToHere: '水母每天吃。' });
    assert.equal(findDraftPart('水母每天吃。它们', '水母每天吃。'), undefined);
    const first = `${'水母在这里。'.repeat(100)}最后。`;
    const part = findDraftPart(`${first}它们住二楼。和`, first)!;
    assert.equal(part.upToHere, `${first}它们住二楼。`);
    assert.ok(part.text.endsWith('水母在这里。最后。它们住二楼。') && part.text.length < 300, part.text);
  });

  test('what replaced a part that had passed is checked', () => {
    assert.deepEqual(findDraftPart('水母吃毒。好', '水母吃饭。好。'), { text: '水母吃毒。', upToHere: '水母吃毒。' });
    assert.equal(findDraftPart('水母吃', '水母吃饭。'), undefined);
  });

  test('the end of what came before begins with no half of a word', () => {
    for (let chars = 0; chars < 10; chars++) {
      const passed = `${'class '.repeat(99)}${'x'.repeat(chars)}. `;
      const { text } = findDraftPart(`${passed}More. And`, passed)!;
      assert.match(text, /^ ?class/, `${chars} more`);
      assert.ok(text.length < 300);
    }
  });

  test('the end of what came before holds the longest word, however that is written', () => {
    const [first, last] = ['한국말'.repeat(21), '말'];
    const words = listOf(first + last);
    for (const form of ['NFC', 'NFD']) {
      const passed = `${'好。'.repeat(300)}${first}。`.normalize(form);
      const { text } = findDraftPart(`${passed}${last}。好`.normalize(form), passed)!;
      assert.equal(words.findWord(text), 1, form);
    }
  });

  test('nothing is checked where a thousand characters do not hold the longest word', () => {
    const passed = `好。${' '.repeat(1000)}好。`;
    assert.equal(findDraftPart(`${passed}好。好`, passed), undefined);
  });

  test('however it grows, nothing passes that has a listed word', () => {
    const words = listOf('毒品', 'bad word', '한국'.repeat(16), '好'.repeat(64));
    const piece = fc.oneof(
      fc.constantFrom(...'毒品好。！\n。 ,.。', 'bad', 'word', 'sword', '”'),
      fc.constantFrom('한국'.repeat(16).normalize('NFD'), '毒', '好'.repeat(40), '好。'.repeat(40)),
      fc
        .tuple(fc.constantFrom(' ', 'x', '好x', '。', '\u200b'), fc.integer({ min: 0, max: 700 }))
        .map(([unit, times]) => unit.repeat(times)),
    );
    let passes = 0;
    let stops = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        let draft = '';
        let passed = '';
        for (const each of pieces) {
          draft += each;
          const part = findDraftPart(draft, passed);
          if (part === undefined) continue;
          assert.ok(draft.startsWith(part.upToHere) && part.upToHere.endsWith(part.text));
          if (words.findWord(part.text) !== undefined) {
            stops++;
            assert.notEqual(words.findWord(part.upToHere), undefined, 'only what is there is found');
            return;
          }
          passes++;
          passed = part.upToHere;
          assert.equal(words.findWord(passed), undefined, JSON.stringify(passed));
        }
      }),
      { numRuns: 500 },
    );
    assert.ok(passes > 200 && stops > 30, `${passes} passes, ${stops} stops`);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readWords } from '../../src/wecom/command.ts';

const said = (words: string, botName = '', isGroup = botName !== '') => readWords(words, { botName, isGroup });

test('/new, in any case, and 新会话 begin a session, alone or before the first question', () => {
  for (const words of ['/new', '/NEW', ' /New \n', '新会话', '新会话。', '/new！']) {
    assert.deepEqual(said(words), { startsSession: true, question: '' }, words);
  }
  for (const words of ['/new 票价', '/NEW\n票价', '新会话 票价', '新会话，票价', '新会话：票价']) {
    assert.deepEqual(said(words), { startsSession: true, question: '票价' }, words);
  }
});

test('words that only begin like a command are a question', () => {
  for (const words of ['/newx', '/new-ticket', '新会话怎么开始', '怎么 /new', '新会话室在哪里']) {
    assert.deepEqual(said(words), { startsSession: false, question: words }, words);
  }
});

test("the bot's name is taken out of a group's message wherever it stands, however it is written, and nobody else's", () => {
  const cases: [string, string][] = [
    ['@小 助手 明天谁值班', '明天谁值班'],
    ['＠小 助手  明天谁值班', '明天谁值班'],
    ['@小 助手\u2005明天谁值班', '明天谁值班'],
    ['明天 @小 助手 谁值班', '明天 谁值班'],
    ['明天谁值班@小 助手', '明天谁值班'],
    ['@小 助手，明天谁值班', '，明天谁值班'],
    ['@小 助手二号 你好', '@小 助手二号 你好'],
    ['@小张 @小 助手 你好', '@小张 你好'],
    ['@小 助手', ''],
  ];
  for (const [words, question] of cases) {
    assert.deepEqual(said(words, '小 助手'), { startsSession: false, question }, words);
  }
  assert.deepEqual(said('@小 助手 /new 票价', '小 助手'), { startsSession: true, question: '票价' });
});

test('in a single chat, and where the name is not known, words stay as they are, but for a mention before a command', () => {
  assert.equal(said('@小助手 你好', '小助手', false).question, '@小助手 你好');
  assert.equal(said('@My Bot 你好', '', true).question, '@My Bot 你好');
  assert.deepEqual(said('@My Bot /new 票价', '', true), { startsSession: true, question: '票价' });
  assert.deepEqual(said('@小助手 新会话', '', true), { startsSession: true, question: '' });
  assert.equal(said('a@b.c /new', '', true).startsSession, false);
  assert.deepEqual(said('@bot /new：票价', '', true), { startsSession: true, question: '票价' });
  for (const question of ['@小助手 怎样开启 新会话', '@bot please explain /new', '@bot 新会话怎么开']) {
    assert.deepEqual(said(question, '', true), { startsSession: false, question });
  }
});

test('whatever is said is read in linear time, and no name is taken for a pattern', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme', minLength: 1 }), (words, botName) => {
      const { question } = said(`${words}@${botName}`, botName);
      assert.ok(question.length <= words.length + botName.length + 1);
    }),
  );
  assert.equal(said(`@.* 你好`, '.*').question, '你好');
  assert.equal(said(`@(( 你好`, '((').question, '你好');
  const long = '@a '.repeat(300_000);
  assert.equal(said(long, 'a').question, '');
  assert.equal(typeof said(long, '', true).question, 'string');
});

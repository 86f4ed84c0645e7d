import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toConfig } from '../../src/config.ts';
import { createFixedTexts } from '../../src/message/fixed-texts.ts';
import { sayReply } from '../../src/wecom/say-reply.ts';

const config = toConfig({});
const context = { config, texts: createFixedTexts(config) };
const bot = { language: 'en', texts: { label: '(a machine)' } } as const;
const { label, refusal, failed } = context.texts;

test('what was said of attachments stays behind a refusal and behind the label', () => {
  const note = '（没有查看图片）';
  const refused = sayReply(context, bot, { text: `${refusal}\n\n${note}`, citations: [], refused: true });
  assert.match(refused.body, /^Sorry, I found nothing[\s\S]*\n\n（没有查看图片）$/);
  const labelled = sayReply(context, bot, { text: `答\n\n${label}\n\n${note}`, citations: [] });
  assert.deepEqual(labelled, { body: '答', isCut: false, tail: `(a machine)\n\n${note}` });
});

test('a label is taken for one only where it ends an answer', () => {
  const text = `一\n\n${label}\n\n${'二'.repeat(5000)}`;
  assert.deepEqual(sayReply(context, bot, { text, citations: [] }), { body: text, isCut: false, tail: '' });
  assert.equal(sayReply(context, bot, { text: `一${label}`, citations: [] }).tail, '');
});

test('a fixed text is the bot’s, and its failure tells nothing of ours', () => {
  const said = sayReply(context, bot, { text: failed, citations: [], fixedText: 'failed' });
  assert.deepEqual(said, {
    body: 'Sorry, I could not answer just now. Please try again later.',
    isCut: false,
    tail: '',
  });
});

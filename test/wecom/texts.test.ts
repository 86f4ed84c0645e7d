import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { textNames, textOf } from '../../src/wecom/texts.ts';
import { dialects } from '../support/databases.ts';
import { makeBot as make } from '../support/make-bot.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_texts';
const LONG = { timeout: 120_000 };

test('each text can be replaced, by a bot first, then by the operator where there is a setting', () => {
  for (const language of ['zh', 'en'] as const) {
    for (const name of textNames) {
      const own = { language, texts: { [name]: 'own' } };
      const camel = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()) as Parameters<typeof textOf>[1];
      assert.equal(textOf(own, camel, { TEXT_FAILED: 'operator' }), 'own');
      assert.notEqual(textOf({ language, texts: {} }, camel), '');
    }
  }
  assert.equal(textOf({ language: 'en', texts: {} }, 'failed', { TEXT_FAILED: 'operator' }), 'operator');
});

const makeBot = async (service: Service, settings: object) => (await make(service, appid, { settings })).wecom;

for (const { name: dialect } of dialects) {
  describe(`what a WeCom bot says in place of an answer on ${dialect}`, () => {
    let service: Service;
    let folder: string;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'texts-'));
      writeFileSync(join(folder, 'words'), '违禁词\n');
      const env = {
        SAFETY_WORDS_FILE: join(folder, 'words'),
        TEXT_REFUSAL: '运营方说：没有。',
        LABELLED_EXPERTS: 'extractive',
        TEXT_LABEL: '[机器]',
      };
      service = await startService({ dialect, replicas: 2, articles: [article('a1', '本馆的成人票是 168 元。')], env });
      await service.createLearned(appid);
    });
    after(async () => {
      await service?.stop();
      if (folder) rmSync(folder, { recursive: true });
    });
    const ask = async (settings: object, question: string) =>
      (await makeBot(service, settings)).ask({ userid: 'u' }, question);

    test('is in its own words, else in the operator’s, else in its language', LONG, async () => {
      const beside = '量子纠缠的贝尔不等式怎么证明？';
      assert.equal(await ask({ texts: { refusal: '自己说：没有。' } }, beside), '自己说：没有。');
      assert.equal(await ask({ language: 'en' }, beside), '运营方说：没有。');
      assert.match(await ask({ language: 'en' }, '违禁词'), /^Sorry, I can not answer/);
      assert.match(await ask({}, '违禁词'), /^抱歉，这个问题不便回答/);
    });

    test('so are the label and the head of the sources', LONG, async () => {
      const question = '成人票多少钱？';
      assert.match(await ask({ language: 'en' }, question), /168[\s\S]*\n\n\[机器\]\n\nSources:\n《/);
      const texts = { label: '（机器写的）', sources: '出处' };
      assert.match(await ask({ texts }, question), /168[\s\S]*\n\n（机器写的）\n\n出处\n《/);
    });
  });

  test(`an answer that fails again and again is told in plain words, with a card, on ${dialect}`, LONG, async () => {
    const env = { MODERATION_MODEL: 'm', MODERATION_BASE_URL: 'http://127.0.0.1:9/v1' };
    const service = await startService({
      dialect,
      replicas: 2,
      articles: [article('a1', '本馆的成人票是 168 元。')],
      env,
    });
    try {
      await service.createLearned(appid);
      const wecom = await makeBot(service, { language: 'en' });
      const { id } = (await wecom.say({ userid: 'u' }, '成人票多少钱？')).frame.stream;
      const last = await until(
        'it is finished',
        async () => {
          const { frame } = await wecom.poll({ userid: 'u' }, id);
          return frame.stream.finish ? frame : undefined;
        },
        90_000,
      );
      assert.match(last.stream.content, /^Sorry, I could not answer just now/);
      assert.equal(last.msgtype, 'stream_with_template_card');
      assert.equal(last.template_card.main_title.title, 'Another subject?');
    } finally {
      await service.stop();
    }
  });
}

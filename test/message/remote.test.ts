import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { spawnExample } from '../expert/remote-setup.ts';
import { dialects } from '../support/databases.ts';
import { article, type Service, startService } from '../support/service.ts';

const articles = [
  article('a2', '停车场在潮声街。前两小时一共收费十元。之后每小时四元。满一百元的门票可抵一小时。过夜不收费。'),
];

for (const { name: dialect } of dialects) {
  describe(`an engine over gRPC, on ${dialect}`, () => {
    const appid = 'wx_engine';
    let service: Service;
    before(async () => {
      service = await startService({ dialect, articles });
      await service.createLearned(appid);
    });
    after(() => service?.stop());

    const choose = (address: string, more = {}) =>
      service.call('/api/wxmp/assistant/expert/set', { appid, expert: { kind: 3, address, ...more } });
    const explain = async (msgid: string) =>
      (await service.call('/api/wxmp/message/explain', { appid, msgid })).explanation;

    test('its answer is streamed and sent with the source that it cites', async (t) => {
      const { url } = await spawnExample(t, { draftEveryMs: 600 });
      assert.equal((await choose(url)).errcode, 0);
      const answered = service.ask(appid, 'u-cite', 'cite', '停车场怎么收费？');
      const asked = fetch(`${service.app.url}/api/wxmp/message/ask`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ appid, content: '停车场怎么收费？' }),
      });
      const { text, quotation } = await answered;
      assert.equal(
        text,
        '停车场在潮声街。前两小时一共收费十元。之后每小时四元。满一百元的门票可抵一小时。过夜不收费。',
      );
      assert.equal(quotation, `《a2 第1篇》${service.wechat.url}/s/a2/1`);
      const { expert, model, fell_back } = await explain('cite');
      assert.deepEqual([expert, model, fell_back], ['remote', 'example 1.0', '']);
      const lines = (await (await asked).text()).trim().split('\n');
      assert.ok(lines.length > 3, 'drafts come before the final');
      assert.equal(JSON.parse(lines[0]!).text, '停车场在潮声街。');
    });

    test('killed in mid-answer, the user gets the extractive answer, marked', async (t) => {
      const { url, kill } = await spawnExample(t, { draftEveryMs: 60_000 });
      await choose(url);
      const response = await fetch(`${service.app.url}/api/wxmp/message/ask`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ appid, content: '停车场怎么收费？' }),
      });
      let body = '';
      let isKilled = false;
      const reply = service.ask(appid, 'u-kill', 'kill', '停车场怎么收费？');
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        body += chunk;
        if (!isKilled && body.includes('停车场在潮声街。')) {
          isKilled = true;
          await kill(); // the draft is here, the answer is not
        }
      }
      const final = JSON.parse(body.trim().split('\n').at(-2)!);
      assert.equal(final.is_final, true);
      assert.equal(final.explanation.expert, 'extractive');
      assert.match(final.explanation.fell_back, /^remote: /);
      const { text, quotation } = await reply;
      assert.match(text, /前两小时一共收费十元/);
      assert.equal(quotation, `《a2 第1篇》${service.wechat.url}/s/a2/1`);
      assert.match((await explain('kill')).fell_back, /^remote: /);
    });

    test('one that exceeds the time that the assistant gives it gets the extractive answer', async (t) => {
      const { url } = await spawnExample(t, { draftEveryMs: 60_000 });
      await choose(url, { timeout_ms: 300 });
      const { text } = await service.ask(appid, 'u-late', 'late', '停车场怎么收费？');
      assert.match(text, /前两小时一共收费十元/);
      assert.match((await explain('late')).fell_back, /deadline/);
    });
  });
}

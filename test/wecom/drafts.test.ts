import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { dialects } from '../support/databases.ts';
import { beginStream, endStream, type FakeLlm, sendDelta, startFakeLlm } from '../support/fake-llm.ts';
import { makeBot } from '../support/make-bot.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';
import type { WecomSide } from '../support/wecom-side.ts';

const appid = 'wx_drafts';
const question = '成人票多少钱？';
const from = { userid: 'reader' };
const LONG = { timeout: 120_000 };

for (const { name: dialect } of dialects) {
  describe(`what a WeCom user sees of an answer that is being written, on ${dialect}`, () => {
    let llm: FakeLlm;
    let service: Service;
    let wecom: WecomSide;
    before(async () => {
      llm = await startFakeLlm();
      const env = { LLM_BASE_URL: llm.url, LLM_API_KEY: 'sk-test-not-a-key', LLM_MODEL: 'm', LABELLED_EXPERTS: 'none' };
      service = await startService({ dialect, articles: [article('a1', '本馆的成人票是 168 元。')], env });
      await service.createLearned(appid);
      ({ wecom } = await makeBot(service, appid));
    });
    after(async () => {
      await service?.stop();
      await llm?.close();
    });

    test('the text so far, then the whole with its source', LONG, async () => {
      const { promise: begun, resolve: begin } = Promise.withResolvers<ServerResponse>();
      llm.answer = ({ response }) => {
        beginStream(response);
        sendDelta(response, { content: '成人票是 168 元。' });
        begin(response);
      };
      const { id } = (await wecom.say(from, question)).frame.stream;
      const model = await begun;
      const seen = await until('a draft is shown', async () => {
        const { stream } = (await wecom.poll(from, id)).frame;
        return /168/.test(stream.content) ? stream : undefined;
      });
      assert.equal(seen.finish, false);
      sendDelta(model, { content: '请在网上预约。[1]' });
      endStream(model);
      const last = await until('it is finished', async () => {
        const { stream } = (await wecom.poll(from, id)).frame;
        return stream.finish ? stream : undefined;
      });
      assert.match(last.content, /^成人票是 168 元。请在网上预约。/);
      assert.match(last.content, /https?:/);
    });
  });
}

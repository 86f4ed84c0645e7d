import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startApp } from '../../src/app.ts';
import { toConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createLogger } from '../../src/logger.ts';
import { dialects } from '../support/databases.ts';
import {
  type AskedCompletion,
  beginStream,
  endStream,
  type FakeLlm,
  sendDelta,
  sendError,
  sendPieces,
  startFakeLlm,
} from '../support/fake-llm.ts';
import { type Answer, article, post, type Service, startService, testEnv } from '../support/service.ts';
import { until } from '../support/until.ts';

const articles = [
  article('a1', '本馆的成人票是 168 元，儿童票是 98 元，每天早上九点开门。', '企鹅馆的室温是三摄氏度，请带一件外套。'),
  article('a2', '停车场在潮声街，前两小时一共收费十元，之后每小时四元。'),
];
const label = '（以上内容由 AI 生成）';

for (const { name: dialect } of dialects) {
  describe(`a model that answers, on ${dialect}`, () => {
    const appid = 'wx_model';
    let llm: FakeLlm;
    let service: Service;
    const env = () => ({
      LLM_BASE_URL: llm.url,
      LLM_API_KEY: 'sk-test-not-a-key',
      LLM_MODEL: 'test-model',
      LLM_TIMEOUT_MS: '1500',
    });
    before(async () => {
      llm = await startFakeLlm();
      service = await startService({ dialect, articles, env: env() });
      await service.createLearned(appid);
    });
    after(async () => {
      await service?.stop();
      await llm?.close();
    });

    const explain = (msgid: string) => service.call('/api/wxmp/message/explain', { appid, msgid });

    /** The lines of Ask but for the last, which tells that all went well. */
    async function ask(content: string, more = {}): Promise<Answer[]> {
      const response = await fetch(`${service.app.url}/api/wxmp/message/ask`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ appid, content, ...more }),
      });
      const lines = (await response.text())
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      assert.deepEqual(lines.pop(), { errcode: 0, errmsg: 'ok' });
      return lines;
    }

    test('the user gets its answer with the label and the cited source; a source that was not given is dropped', async () => {
      llm.answer = sendPieces(['成人票', '是 168 元。[1]', '[9]'], {
        usage: { prompt_tokens: 700, completion_tokens: 12 },
      });
      const { text, quotation } = await service.ask(appid, 'u-cite', 'cite', '成人票多少钱？');
      assert.equal(text, `成人票是 168 元。\n\n${label}`);
      assert.equal(quotation, `《a1 第1篇》${service.wechat.url}/s/a1/1`);
      const { explanation } = await explain('cite');
      assert.equal(explanation.expert, 'llm');
      assert.equal(explanation.model, 'test-model');
      assert.deepEqual([explanation.prompt_tokens, explanation.completion_tokens], [700, 12]);
      assert.equal(explanation.dropped.length, 1);
      assert.match(explanation.dropped[0], /citation 9/);
      assert.equal(explanation.fell_back, '');
    });

    test('what comes is streamed as it comes, without its marks', async () => {
      let goOn = () => {};
      llm.answer = async ({ response }: AskedCompletion) => {
        beginStream(response);
        sendDelta(response, { content: '成人票是 168 元。[1]' });
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
        sendDelta(response, { content: '儿童票是 98 元。[1]' });
        endStream(response);
      };
      const response = await fetch(`${service.app.url}/api/wxmp/message/ask`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ appid, content: '成人票多少钱？' }),
      });
      let received = '';
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        received += chunk;
        if (received.includes('成人票是 168 元。')) goOn(); // else it never ends
      }
      const lines = received
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      assert.deepEqual(
        lines.map(({ text, is_final }) => [text, is_final]),
        [
          ['成人票是 168 元。', false],
          [`成人票是 168 元。儿童票是 98 元。\n\n${label}`, true],
          [undefined, undefined],
        ],
      );
    });

    const broken: [what: string, answer: FakeLlm['answer'], reason: RegExp][] = [
      ['an HTTP 500', sendError(500), /^http 500$/],
      ['silence', () => {}, /^time-out$/],
      [
        'a stream that is cut',
        ({ response }) => {
          beginStream(response);
          sendDelta(response, { content: '成人票是 9' });
          throw new Error('cut');
        },
        /^cut stream$/,
      ],
      ['an answer without any source', sendPieces(['成人票是 1 元。']), /^no citation$/],
    ];
    for (const [what, answer, reason] of broken) {
      test(`after ${what} the user gets the extractive answer, and the explanation tells so`, async () => {
        llm.answer = answer;
        const msgid = `broken-${what}`.replaceAll(' ', '-');
        const { text, quotation } = await service.ask(appid, `u-${msgid}`, msgid, '停车场怎么收费？');
        assert.match(text, /前两小时一共收费十元/);
        assert.doesNotMatch(text, /AI/, 'it is in the words of the account');
        assert.equal(quotation, `《a2 第1篇》${service.wechat.url}/s/a2/1`);
        const { explanation } = await explain(msgid);
        assert.equal(explanation.expert, 'extractive');
        assert.match(explanation.fell_back, reason);
        const metrics = await (await fetch(`${service.app.url}/metrics`)).text();
        assert.ok(metrics.includes(`wxmp_expert_fallbacks_total{reason="${explanation.fell_back}"}`), metrics);
      });
    }

    test('a question that nothing supports does not reach the model', async () => {
      llm.answer = sendPieces(['火星很冷。[1]']);
      const before = llm.asked.length;
      const { text, quotation } = await service.ask(appid, 'u-refuse', 'refuse', '火星上的天气怎么样？');
      assert.match(text, /没有找到/);
      assert.equal(quotation, '');
      assert.equal(llm.asked.length, before);
    });

    test('draft and online are answered by what each has chosen, side by side; publish takes the choice along', async () => {
      llm.answer = sendPieces(['每小时四元。[1]']);
      const set = (version: number, expert: object) =>
        service.call('/api/wxmp/assistant/expert/set', { appid, version, expert });
      assert.equal((await set(1, { kind: 1 })).errcode, 0);
      const finals = (await ask('停车场怎么收费？', { compare: true })).filter(({ is_final }) => is_final);
      const chosen = (view: number) => finals.find((final) => final.view === view)!.explanation.expert;
      assert.equal(finals.length, 2);
      assert.deepEqual([chosen(1), chosen(2)], ['llm', 'extractive']);
      await service.call('/api/wxmp/assistant/publish', { appid });
      const [online] = (await ask('停车场怎么收费？')).slice(-1);
      assert.equal(online!.explanation.expert, 'extractive');
      assert.equal((await set(0, { kind: 0 })).errcode, 0);
      const [again] = (await ask('停车场怎么收费？')).slice(-1);
      assert.equal(again!.explanation.expert, 'llm');
    });

    test("an assistant's own threshold decides instead of the installation's", async () => {
      const set = (expert: object) => service.call('/api/wxmp/assistant/expert/set', { appid, expert });
      assert.equal((await set({ kind: 1, threshold: 1 })).errcode, 0);
      const [strict] = (await ask('停车场怎么收费？')).slice(-1);
      assert.deepEqual([strict!.explanation.refused, strict!.explanation.threshold], [true, 1]);
      assert.equal((await set({ kind: 1, threshold: 0 })).errcode, 0);
      const [lenient] = (await ask('火星上的停车场')).slice(-1);
      assert.deepEqual([lenient!.explanation.refused, lenient!.explanation.threshold], [false, 0]);
      assert.equal((await set({ kind: 0 })).errcode, 0);
      const { expert } = await service.call('/api/wxmp/assistant/expert/get', { appid });
      assert.deepEqual(expert, { kind: 0, address: '', timeout_ms: 0 });
    });

    test('an assistant whose model the installation has lost is answered extractively, and it shows', async () => {
      const expert = { kind: 2 };
      assert.equal((await service.call('/api/wxmp/assistant/expert/set', { appid, expert })).errcode, 0);
      await service.stopApp();
      await service.restartApp({ LLM_BASE_URL: '', LLM_MODEL: '' });
      const [final] = (await ask('停车场怎么收费？')).slice(-1);
      assert.equal(final!.explanation.expert, 'extractive');
      assert.equal(final!.explanation.fell_back, 'no model is set');
      await service.stopApp();
      await service.restartApp();
      await service.call('/api/wxmp/assistant/expert/set', { appid, expert: { kind: 0 } });
    });

    test("two replicas together stay within the day's tokens, and beyond them answer extractively", async () => {
      const limit = 20_000;
      const LLM_DAILY_TOKENS = String(limit);
      const usage = { prompt_tokens: 900, completion_tokens: 100 };
      llm.answer = sendPieces(['前两小时一共收费十元。[1]'], { usage });
      await service.stopApp();
      await service.restartApp({ LLM_DAILY_TOKENS });
      const config = toConfig({ ...testEnv(service.databaseUrl, service.wechat.url), ...env(), LLM_DAILY_TOKENS });
      const second = await startApp({ config, logger: createLogger(config.LOG_LEVEL) });
      const before = llm.asked.length;
      const questions = 40;
      for (let at = 0; at < questions; at++) {
        const message = { appid, openid: `u-budget-${at}`, msgid: `budget-${at}`, msg_type: 'text' };
        const url = at % 2 === 0 ? service.app.url : second.url;
        await post(url, '/api/wxmp/message/notify', { ...message, text: { content: '停车场怎么收费？' } });
      }
      const told = () => service.wechat.state.replies.filter(({ msgid }) => msgid.startsWith('budget-'));
      await until('all are answered', () => told().length === questions, 60_000);
      await second.stop();
      const asked = llm.asked.length - before;
      const database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
      const [row] = await database.all<{ tokens: number }>('select tokens from token_use where appid = ?', [appid]);
      await database.close();
      assert.equal(row!.tokens, asked * 1000, 'all that was used is counted, and nothing else');
      assert.ok(row!.tokens <= limit, `${row!.tokens}`);
      assert.ok(asked > 10 && asked < questions, `the model was asked ${asked} times`);
      const labelled = told().filter(({ segments }) => segments.at(-1)!.content.endsWith(label)).length;
      assert.equal(labelled, asked);
    });
  });
}

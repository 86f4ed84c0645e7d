import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Client, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { DispatchService } from '../../gen/dispatch/v1/dispatch_pb.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { maxContentBytes } from '../../src/wecom/content.ts';
import { layOut } from '../../src/wecom/lay-out.ts';
import { dialects } from '../support/databases.ts';
import { type FakeLlm, sendPieces, startFakeLlm } from '../support/fake-llm.ts';
import { makeBot } from '../support/make-bot.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { type ResponseUrls, startResponseUrls, type WecomSide } from '../support/wecom-side.ts';

const appid = 'wx_continued';
const question = '成人票多少钱？';
const LONG = { timeout: 120_000 };
const [more, cut, source] = [/稍后继续发送/, /只是其中一部分/, /来源：\n《.*》https?:/];

/** An answer of so many lines of a table, about 50 bytes each. */
const tableOf = (lines: number) =>
  `成人票是 168 元。[1]\n\n| 展厅 | 说明 |\n| --- | --- |\n${Array.from({ length: lines }, (_, at) => `| 厅 ${at} | 在第 ${at} 区，成人票可入内 |\n`).join('')}`;

test('an answer is laid out within what each way takes, with its end at the end of what is said last', () => {
  const notes = { continued: '…', shortened: '(cut)' };
  const tail = '(AI)\n\n来源：\n《x》https://example.com';
  for (const lines of [1, 500, 700, 3000]) {
    for (const canFollow of [true, false]) {
      const layout = layOut({ body: tableOf(lines), isCut: false, tail }, notes, canFollow);
      const { bubble, rest, alone } = layout;
      for (const text of Object.values(layout)) assert.ok(Buffer.byteLength(text) <= maxContentBytes);
      assert.ok(alone.endsWith(tail));
      assert.ok((rest || bubble).endsWith(tail));
      assert.equal(rest !== '', canFollow && lines > 1);
      assert.equal(bubble.endsWith('…'), rest !== '');
      const said = bubble + rest;
      assert.equal(said.includes(`| 厅 ${lines - 1} |`), lines <= (canFollow ? 700 : 1), 'all of it is there');
      assert.equal(said.includes('(cut)'), lines > (canFollow ? 700 : 1), 'or it says that it is not');
      if (rest.includes('| 厅')) assert.match(rest, /^\| 展厅 \| 说明 \|\n\| --- \| --- \|\n/);
    }
  }
});

for (const { name: dialect } of dialects) {
  describe(`an answer that is too long for one bubble on ${dialect}`, () => {
    let llm: FakeLlm;
    let urls: ResponseUrls;
    let service: Service;
    let wecom: WecomSide;
    let database: Database;
    let operator: Client<typeof DispatchService>;
    before(async () => {
      llm = await startFakeLlm();
      urls = await startResponseUrls();
      const env = {
        LLM_BASE_URL: llm.url,
        LLM_API_KEY: 'sk-test-not-a-key',
        LLM_MODEL: 'm',
        ...{ WECOM_API_HOSTS: urls.host, LLM_MAX_ANSWER_TOKENS: '100000' },
      };
      service = await startService({ dialect, replicas: 2, articles: [article('a1', '本馆的成人票是 168 元。')], env });
      database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
      await service.createLearned(appid);
      const transport = createGrpcTransport({ baseUrl: service.app.url });
      operator = createClient(DispatchService, transport);
      ({ wecom } = await makeBot(service, appid));
    });
    after(async () => {
      await database?.close();
      await service?.stop();
      await urls?.close();
      await llm?.close();
    });

    const ask = async (userid: string, text: string, more: object = {}) => {
      llm.answer = sendPieces([text]);
      return (await wecom.say({ userid }, question, more)).frame.stream.id as string;
    };
    const fetchLast = (userid: string, id: string) =>
      until('it is finished', async () => {
        const { stream } = (await wecom.poll({ userid }, id)).frame;
        return stream.finish ? (stream as { content: string }) : undefined;
      });
    const takenBy = (url: string) =>
      urls.taken.filter((each) => each.url === url).map(({ body }) => body.markdown.content);
    const statesOf = async (kind: string) =>
      (await operator.listDispatches({ kind })).dispatches.map(({ state, reason }) => [state, reason]);

    test('goes on in one message, once, which ends with label and sources', LONG, async () => {
      const url = urls.make();
      const id = await ask('u1', tableOf(700), { response_url: url });
      const { content } = await fetchLast('u1', id);
      assert.match(content, more);
      assert.doesNotMatch(content, source);
      await until('the rest came', () => takenBy(url).length > 0, 60_000);
      const [rest] = takenBy(url) as [string];
      assert.match(rest, /^\| 展厅 \| 说明 \|\n\| --- \| --- \|\n/);
      assert.match(rest, source);
      assert.match(rest, /由 AI 生成/);
      for (let at = 0; at < 700; at++) assert.ok((content + rest).includes(`| 厅 ${at} |`), `row ${at}`);
      assert.deepEqual(await fetchLast('u1', id).then((again) => again.content), content, 'the same to who asks again');
      await until('all is settled', async () =>
        (await statesOf('wecom.rest')).every(([, reason]) => reason === '') ? true : undefined,
      );
      assert.equal(takenBy(url).length, 1);
      assert.deepEqual(urls.refused, []);
    });

    test('waits with the rest until the bubble was fetched', LONG, async () => {
      const url = urls.make();
      const id = await ask('u2', tableOf(700), { response_url: url });
      await until('the answer is there', async () => {
        const [row] = await database.all<{ state: string }>('select state from reply where reply_id = ?', [id]);
        return row?.state === 'final';
      });
      assert.deepEqual(takenBy(url), []);
      await fetchLast('u2', id);
      await until('the rest came', () => takenBy(url).length > 0, 60_000);
    });

    test('says that it was shortened, and keeps its sources, where nothing can follow it', LONG, async () => {
      const { content } = await fetchLast('u3', await ask('u3', tableOf(700)));
      assert.match(content, cut);
      assert.match(content, source);
      assert.ok(Buffer.byteLength(content) <= maxContentBytes);
    });

    test('says so at the end of the rest where that does not hold it either', LONG, async () => {
      const url = urls.make();
      const { content } = await fetchLast('u4', await ask('u4', tableOf(3000), { response_url: url }));
      assert.match(content, more);
      await until('the rest came', () => takenBy(url).length > 0, 60_000);
      assert.match(takenBy(url)[0]!, cut);
      assert.match(takenBy(url)[0]!, source);
    });

    test('is one shortened message where nobody fetches it, and nothing follows', LONG, async () => {
      const url = urls.make();
      await ask('u5', tableOf(700), { response_url: url });
      await until('it came', () => takenBy(url).length > 0, 60_000);
      assert.match(takenBy(url)[0]!, cut);
      assert.match(takenBy(url)[0]!, source);
      await until('nothing waits', async () => {
        const [row] = await database.all<{ n: number }>("select count(*) n from dispatch where state = 'pending'");
        return Number(row!.n) === 0;
      });
      assert.equal(takenBy(url).length, 1);
    });

    test('a call for the rest that a kill has cut off is not made again, and operators see it', LONG, async () => {
      const url = urls.make();
      const id = await ask('u6', tableOf(700), { response_url: url });
      await until('the answer is there', async () => {
        const [row] = await database.all<{ state: string }>('select state from reply where reply_id = ?', [id]);
        return row?.state === 'final';
      });
      // As a process leaves it that dies between the claim and the call.
      await database.run("update reply set state = 'continued' where reply_id = ?", [id]);
      const { content } = await fetchLast('u6', id);
      assert.match(content, more, 'the bubble is shown all the same');
      await until('it is given up', async () =>
        (await statesOf('wecom.rest')).some(([, reason]) => reason === 'the response_url was used before'),
      );
      assert.deepEqual(takenBy(url), []);
    });
  });
}

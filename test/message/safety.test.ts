import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { dialects } from '../support/databases.ts';
import { type FakeLlm, sendPieces, startFakeLlm } from '../support/fake-llm.ts';
import { type FakeModeration, flagWords, sendJson, startFakeModeration } from '../support/fake-moderation.ts';
import { type FileAccount, startFileAccount } from '../support/file-account.ts';
import { article } from '../support/service.ts';

const articles = [
  article('a1', '本馆的成人票是 168 元，儿童票是 98 元，每天早上九点开门。', '企鹅馆的室温是三摄氏度，请带一件外套。'),
  article('a2', '停车场在潮声街，前两小时一共收费十元，之后每小时四元。'),
];
const blocked = '抱歉，这个问题我不便回答。';

for (const { name: dialect } of dialects) {
  describe(`what the safety checks withhold, on ${dialect}`, () => {
    const appid = 'wx_safe';
    let folder: string;
    let llm: FakeLlm;
    let moderation: FakeModeration;
    let account: FileAccount;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'wxmp-words-'));
      await writeFile(join(folder, 'words.txt'), '# 不谈的\n坏词语\n');
      llm = await startFakeLlm();
      moderation = await startFakeModeration(flagWords({ 打架: 'violence' }));
      const env = {
        ...{ LLM_BASE_URL: llm.url, LLM_MODEL: 'm', SAFETY_WORDS_FILE: join(folder, 'words.txt') },
        ...{ MODERATION_BASE_URL: moderation.url, MODERATION_MODEL: 'judge' },
      };
      account = await startFileAccount({ dialect, articles, env }, appid);
    });
    after(async () => {
      await account?.stop();
      await llm?.close();
      await moderation?.close();
      await rm(folder, { recursive: true });
    });

    const ask = (msgid: string, content: string, openid = `u-${msgid}`) =>
      account.service.ask(appid, openid, msgid, content);
    const explain = async (msgid: string) =>
      (await account.service.call('/api/wxmp/message/explain', { appid, msgid })).explanation;

    for (const [name, question, why] of [
      ['the word list', '停车场的坏 词，语怎么收费？', 'question: word list'],
      ['the endpoint', '停车场打架怎么收费？', 'question: moderation (violence)'],
    ] as const) {
      test(`a question that ${name} flags reaches no expert, and is not told to one later`, async () => {
        llm.answer = sendPieces(['前两小时十元。[1]']);
        const before = llm.asked.length;
        const msgid = `question-${name}`.replaceAll(' ', '-');
        const { text, quotation } = await ask(msgid, question, 'u-told');
        assert.deepEqual([text, quotation], [blocked, '']);
        const { blocked_by, fixed_text, expert } = await explain(msgid);
        assert.deepEqual([blocked_by, fixed_text, expert], [why, 'blocked', 'none']);
        assert.equal(llm.asked.length, before);

        const next = await ask(`${msgid}-next`, '停车场怎么收费？', 'u-told');
        assert.match(next.text, /前两小时十元。/);
        assert.equal(llm.asked.length, before + 1);
        assert.doesNotMatch(llm.asked.at(-1)!.user, /坏|打架|不便回答/);
      });
    }

    test('an answer that is flagged is withheld, with its sources', async () => {
      llm.answer = sendPieces(['停车场在潮声街。[1]', '那里常有人打架。[1]']);
      const { text, quotation } = await ask('answer', '停车场在哪里？');
      assert.deepEqual([text, quotation], [blocked, '']);
      const { blocked_by, expert, passages } = await explain('answer');
      assert.deepEqual([blocked_by, expert], ['answer: moderation (violence)', 'llm']);
      assert.ok(passages.length > 0 && passages.every(({ cited }: { cited: boolean }) => !cited));
    });

    test('of an answer that is being written nothing is shown that was not checked', async () => {
      llm.answer = async (asked) => {
        const pieces = ['停车场在潮声街。[1]', '坏词', '语就在这里', '。[1]', '完。'];
        await sendPieces(pieces)(asked);
      };
      const response = await fetch(`${account.service.app.url}/api/wxmp/message/ask`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ appid, content: '停车场在哪里？' }),
      });
      const body = await response.text();
      assert.doesNotMatch(body, /坏词/);
      const final = JSON.parse(body.trim().split('\n').at(-2)!);
      assert.deepEqual([final.text, final.explanation.blocked_by], [blocked, 'answer: word list']);
    });

    test('a file that is flagged is state 6 with the reason, and answers nothing; another one is learned', async () => {
      account.host.files.set('/bad', Buffer.from('纪念品店在二楼。\n那里有人打架。\n'));
      account.host.files.set('/good', Buffer.from('纪念品店在二楼，卖海豹玩偶。\n'));
      assert.equal(await account.handle(9, 'bad'), 6);
      assert.match((await account.documentOf('bad')).reason!, /moderation \(violence\)/);
      assert.match((await account.ask('纪念品店在哪里？')).text, /没有找到/);
      assert.equal(await account.handle(9, 'good'), 5);
    });

    test('a file whose name is flagged is state 6: the name would be shown as the source', async () => {
      account.host.files.set('/named', Buffer.from('灯会在周五晚上。\n'));
      assert.equal(await account.handle(9, 'named', { name: '坏词语.txt' }), 6);
      assert.match((await account.documentOf('named')).reason!, /word list, its name/);
    });

    for (const status of [400, 422, 503]) {
      test(`a file that comes while the endpoint answers ${status} is learned once that is mended`, async () => {
        let failures = 0;
        moderation.answer = ({ response }) => {
          failures += 1;
          if (failures === 3) moderation.answer = flagWords({ 打架: 'violence' });
          sendJson(response, { error: { message: 'down' } }, status);
        };
        account.host.files.set(`/later-${status}`, Buffer.from(`潜水课在周六上午，编号 ${status}。\n`));
        assert.equal(await account.handle(9, `later-${status}`), 5);
        assert.equal(failures, 3);
      });
    }

    test('a question that could not be checked ends in the "sorry" text, and is not told to an expert later', async () => {
      llm.answer = sendPieces(['前两小时十元。[1]']);
      moderation.answer = ({ response }) => sendJson(response, { error: { message: 'down' } }, 503);
      const { text } = await ask('unchecked', '停车场打架怎么收费？', 'u-unchecked');
      assert.match(text, /没能回答/);
      moderation.answer = flagWords({ 打架: 'violence' });
      const before = llm.asked.length;
      await ask('unchecked-next', '停车场怎么收费？', 'u-unchecked');
      assert.equal(llm.asked.length, before + 1);
      assert.doesNotMatch(llm.asked.at(-1)!.user, /打架|没能回答/);
    });

    test("the label of an answer is the reader's: the model is told the turn without it", async () => {
      llm.answer = sendPieces(['前两小时十元。[1]']);
      assert.match((await ask('label', '停车场怎么收费？', 'u-label')).text, /AI 生成/);
      await ask('label-next', '停车场在哪里？', 'u-label');
      assert.match(llm.asked.at(-1)!.user, /前两小时十元。/);
      assert.doesNotMatch(llm.asked.at(-1)!.user, /AI 生成/);
    });

    test('while the endpoint is down nothing is answered unchecked, and the question is once it is back', async () => {
      llm.answer = sendPieces(['前两小时十元。[1]']);
      let failures = 0;
      moderation.answer = ({ response }) => {
        failures += 1;
        if (failures === 3) moderation.answer = flagWords({ 打架: 'violence' });
        sendJson(response, { error: { message: 'down' } }, 503);
      };
      const { text } = await ask('down', '停车场怎么收费？');
      assert.match(text, /前两小时十元。/);
      assert.equal(failures, 3);
    });

    test('a model that hangs and checks that are slow end in the extractive answer', async () => {
      await account.service.stopApp();
      await account.service.restartApp({ ANSWER_TIMEOUT_MS: '6000', LLM_TIMEOUT_MS: '1000' });
      llm.answer = () => {};
      const judge = flagWords({ 打架: 'violence' });
      moderation.answer = (asked) => void setTimeout(() => judge(asked), 2700); // twice, and the model: over 6 s
      const { text } = await ask('slow', '停车场怎么收费？');
      assert.match(text, /前两小时一共收费十元/);
      assert.equal((await explain('slow')).fell_back, 'time-out');
    });
  });
}

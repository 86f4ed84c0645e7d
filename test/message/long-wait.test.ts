import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dialects } from '../support/databases.ts';
import { type FakeLlm, sendPieces, startFakeLlm } from '../support/fake-llm.ts';
import { article, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_patience';
const wait = '您的问题都收到了，正在一个一个回答，请稍等。';

for (const { name: dialect } of dialects) {
  describe(`many questions at once on ${dialect}`, () => {
    test('more than 20 unanswered get one text that asks for patience, and each its answer, in order', async () => {
      const pass: (() => void)[] = [];
      let isOpen = false;
      const answer: FakeLlm['answer'] = async (asked) => {
        if (!isOpen) await new Promise<void>((resolve) => pass.push(resolve));
        await sendPieces(['前两小时十元。[1]'])(asked);
      };
      const llm = await startFakeLlm(answer);
      const env = { LLM_BASE_URL: llm.url, LLM_MODEL: 'm', LLM_TIMEOUT_MS: '25000' };
      const articles = [article('a', '停车场在潮声街，前两小时一共收费十元，之后每小时四元。')];
      const service = await startService({ dialect, articles, env });
      try {
        await service.createLearned(appid);
        const replies = () => service.wechat.state.replies.filter(({ openid }) => openid === 'u');
        const textOf = ({ segments }: { segments: { content: string }[] }) => segments[0]!.content;
        const waits = () => replies().filter((reply) => textOf(reply) === wait);
        const send = async (from: number, to: number) => {
          for (let at = from; at <= to; at++) {
            const message = { appid, openid: 'u', msgid: `m${at}`, msg_type: 'text' };
            const told = await service.call('/api/wxmp/message/notify', {
              ...message,
              text: { content: '停车场怎么收费？' },
            });
            assert.equal(told.errcode, 0);
          }
        };
        const openGate = () => {
          isOpen = true;
          for (const each of pass.splice(0)) each();
        };

        await send(1, 20);
        await until('the first is being answered', () => pass.length === 1);
        assert.deepEqual(replies(), [], 'twenty are no reason');
        await send(21, 30);
        await until('the user is asked for patience', () => replies().length === 1);
        assert.equal(waits().length, 1);
        openGate();
        await until('all are answered', () => replies().length === 31, 30_000);
        const answered = replies().filter((reply) => textOf(reply) !== wait);
        assert.deepEqual(
          answered.map(({ msgid }) => msgid),
          Array.from({ length: 30 }, (_, at) => `m${at + 1}`),
        );
        assert.equal(waits().length, 1);

        // Once all are answered it may be said again.
        isOpen = false;
        await send(31, 55);
        await until('it is said once more', () => waits().length === 2);
        openGate();
        await until('all are answered again', () => replies().length === 30 + 25 + 2, 30_000);
        assert.equal(waits().length, 2);
      } finally {
        await service.stop();
        await llm.close();
      }
    });
  });
}

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dialects } from '../support/databases.ts';
import { startDialledService } from '../support/dialled-service.ts';
import { beginStream, endStream, sendDelta, sendPieces } from '../support/fake-llm.ts';
import { until } from '../support/until.ts';

const LONG = { timeout: 120_000 };
const question = '成人票多少钱？';

for (const { name: dialect } of dialects) {
  describe(`a bot that another process holds, on ${dialect}`, () => {
    test(
      'says what is answered elsewhere, and shows how that grows: each process answers, one of them speaks',
      LONG,
      async () => {
        const all = await startDialledService('wx_elsewhere', { dialect, env: { ANSWER_WORKERS: '1' } });
        try {
          const { botId } = await all.dial();
          const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
          let asked = 0;
          all.llm.answer = async (one) => {
            const gate = gates[asked++];
            if (gate === undefined) return sendPieces(['成人票是 168 元。[1]'])(one);
            beginStream(one.response);
            sendDelta(one.response, { content: `第 ${asked} 个：成人票` });
            await gate.promise;
            sendDelta(one.response, { content: '是 168 元。[1]' });
            endStream(one.response);
          };
          const [first, second] = [{ userid: 'busy' }, { userid: 'elsewhere' }];
          all.chats.say(botId, first, question);
          await until('a worker of one process is busy', () => asked === 1);
          all.chats.say(botId, second, question);
          // Each process has one worker: the second is answered by the other one.
          await until('both grow', () =>
            [first, second].every((from) => all.chats.chat(from)[0]?.texts.some((text) => text.includes('成人票'))),
          );
          gates[1].resolve();
          assert.match((await all.chats.finished(second, 1))[0]!, /^第 2 个：成人票是 168 元。/);
          gates[0].resolve();
          assert.match((await all.chats.finished(first, 1))[0]!, /^第 1 个：成人票是 168 元。/);
          const answered = await Promise.all(
            all.service.urls().map(async (url) => {
              const text = await (await fetch(`${url}/metrics`)).text();
              return Number(/wxmp_messages_total\{event="answered"\} (\d+)/.exec(text)?.[1] ?? 0);
            }),
          );
          assert.deepEqual(answered, [1, 1]);
          assert.deepEqual([...all.chats.faults, ...all.side.faults], []);
        } finally {
          await all.stop();
        }
      },
    );
  });
}

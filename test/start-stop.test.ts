import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startApp } from '../src/app.ts';
import { toConfig } from '../src/config.ts';
import { openDatabase } from '../src/db/database.ts';
import { createLogger } from '../src/logger.ts';
import { startWechatSide } from '../src/sandbox/wechat-side.ts';
import { dialects } from './support/databases.ts';
import { createRandom } from './support/random.ts';
import { article, post, testEnv } from './support/service.ts';
import { until } from './support/until.ts';

/** 200 in `make chaos`. */
const times = Number(process.env.START_STOPS ?? 12);

for (const { name: dialect, create } of dialects) {
  describe(`starting and stopping, on ${dialect}`, () => {
    test(`${times} times, each after a random while, ends in time, and leaves no socket, timer, thread or connection`, async (t) => {
      const random = createRandom();
      t.diagnostic(`TEST_SEED=${random.seed}`);
      const { url, drop } = await create();
      const wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, [article('a', '展柜里放着一只铃铛。')]);
      const start = () => {
        const config = toConfig({ ...testEnv(url, wechat.url), LLM_BASE_URL: wechat.url, LLM_MODEL: 'm' });
        return startApp({ config, logger: createLogger('silent') });
      };
      await (await start()).stop(); // the schema, and what is loaded once
      const before = openResources();
      const asked: Promise<unknown>[] = [];
      for (let at = 0; at < times; at++) {
        const app = await start();
        // Some are stopped at once, others while they learn, answer or deliver.
        for (let calls = random.below(4); calls > 0; calls--) {
          const question = {
            openid: 'u',
            msgid: `m${at}-${calls}`,
            msg_type: 'text',
            text: { content: '铃铛在哪里？' },
          };
          const call = random.chance(0.3)
            ? post(app.url, '/api/wxmp/assistant/create', { appid: 'wx', name: 'n' })
            : post(app.url, '/api/wxmp/message/notify', { appid: 'wx', ...question });
          asked.push(call.catch(() => {}));
        }
        await sleep(random.below(60));
        const stopping = app.stop();
        assert.equal(app.stop(), stopping, 'a second stop waits for the first');
        await Promise.race([stopping, sleep(60_000, undefined, { ref: false }).then(() => assert.fail('it hangs'))]);
      }
      await Promise.all(asked);
      if (dialect === 'mysql') assert.equal(await countConnections(url), 1, 'the one that counts');
      await until(
        'what was open is closed',
        () => {
          const left = openResources();
          return [...left].every(([name, count]) => count <= (before.get(name) ?? 0) + 1) || undefined;
        },
        30_000,
      ).catch(() => assert.deepEqual(openResources(), before));
      await wechat.close();
      await drop();
    });
  });
}

/** What keeps this process alive, by kind. Those of fetch's idle connections come and go. */
function openResources(): Map<string, number> {
  const names = process
    .getActiveResourcesInfo()
    .filter((name) => !/^(TCPSocketWrap|Immediate|TTYWrap|PipeWrap)$/.test(name));
  return new Map([...new Set(names)].map((name) => [name, names.filter((each) => each === name).length]));
}

async function countConnections(url: string): Promise<number> {
  const database = openDatabase({ url, poolSize: 1, queryTimeoutMs: 10_000 });
  try {
    return await until(
      'connections are closed',
      async () => {
        const [row] = await database.all<{ count: number }>(
          'select count(*) count from information_schema.processlist where db = database()',
        );
        return Number(row!.count) === 1 && 1;
      },
      30_000,
    ).catch(() => 2);
  } finally {
    await database.close();
  }
}

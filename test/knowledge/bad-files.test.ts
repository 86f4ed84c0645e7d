import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { makeBadFiles, makeStrangeFiles } from '../support/bad-files.ts';
import { dialects } from '../support/databases.ts';
import { type FileAccount, openFileAccount, startFileAccount } from '../support/file-account.ts';
import { readFixture } from '../support/parsing.ts';
import { article } from '../support/service.ts';
import { until } from '../support/until.ts';

/** So long a question, or a look at the service's health, may take while all that is going on. */
const maxAnswerMs = 10_000;
const maxHealthMs = 5000;
const megabyte = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What lasts of what was done: the process's memory, the heap in use and, where it can be seen, its threads. */
function measureProcess() {
  collectGarbage();
  const { rss, heapUsed } = process.memoryUsage();
  const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0;
  return { rssMb: rss / megabyte, heapMb: heapUsed / megabyte, threads };
}

const good = {
  'handbook.pdf': readFixture('pdf/handbook-libreoffice.pdf'),
  'tea.docx': readFixture('docx/tea-handbook-libreoffice.docx'),
  'rules.doc': readFixture('doc/shop-rules-libreoffice.doc'),
  'notice.txt': readFixture('txt/notice-gb18030.txt'),
  'page.html': readFixture('html/saved-page-chromium.html'),
};

for (const { name: dialect } of dialects) {
  describe(`bad files on ${dialect}`, () => {
    let account: FileAccount;
    before(async () => {
      const env = { FILE_PARSE_TIMEOUT_SECONDS: '20', FILE_PARSE_MEMORY_MB: '256', MAX_FILE_PAGES: '5000' };
      const articles = [article('opening', '植物园每天上午九点开门，下午五点半停止入园。')];
      account = await startFileAccount({ dialect, articles, env: { ...env, EGRESS_ALLOW: '127.0.0.1' } });
    });
    after(() => account?.stop());

    test('each ends in the state that is true with its reason, while answers keep coming and other files are learned; then its memory is back', async (t) => {
      const bad = makeBadFiles();
      const strange = makeStrangeFiles();
      for (const [name, bytes] of Object.entries(good)) account.host.files.set(`/${name}`, bytes);
      for (const { name, bytes } of [...bad, ...strange]) account.host.files.set(`/${name}`, bytes);
      const neighbour = await openFileAccount(account.service, account.host, 'wx_neighbour');
      assert.equal(await neighbour.handle(9, 'handbook.pdf', { name: 'handbook.pdf' }), 5); // all is loaded and warm
      const before = measureProcess();

      const sent = new Map<string, string>();
      const send = async (name: string) => sent.set(name, await account.send(9, name, { name }));
      for (const { name } of bad) await send(name);
      for (const { name } of strange) await send(name);
      for (const name of Object.keys(good)) await send(name);
      const states = new Map<string, number>();
      const told = Promise.all([...sent].map(async ([name, eventId]) => states.set(name, await account.told(eventId))));
      const neighbours = Promise.all(
        Object.keys(good).map((name) => neighbour.handle(9, `again-${name}`, { name, path: `/${name}` })),
      );
      await keepAsking(t, Promise.all([told, neighbours]));
      await neighbours;
      for (const name of Object.keys(good)) {
        const { file_rag_status: state, reason } = await neighbour.documentOf(`again-${name}`);
        assert.equal(state, 5, `${name}: ${reason}`);
      }

      for (const { name, states: expected, reason } of bad) {
        const { file_rag_status: state, reason: said } = await account.documentOf(name);
        assert.ok(expected.includes(states.get(name)!), `${name}: told ${states.get(name)}, ${said}`);
        assert.deepEqual([state, await account.stateOf(name)], [states.get(name), states.get(name)], name);
        assert.match(said!, reason, name);
      }
      for (const name of [...strange.map((file) => file.name), ...Object.keys(good)]) {
        assert.deepEqual([states.get(name), await account.stateOf(name)], [5, 5], name);
      }
      assert.match((await account.ask('深处写着的取件码是什么？')).text, /八八六六/);
      assert.match((await account.ask('储物柜的押金是多少？')).text, /二十元/);

      await until(
        'its threads have ended and its memory is back',
        () => {
          const { rssMb, heapMb, threads } = measureProcess();
          return threads <= before.threads && rssMb < before.rssMb + 300 && heapMb < before.heapMb + 50;
        },
        20_000,
      ).catch((error) => assert.fail(`${error.message}: ${JSON.stringify([before, measureProcess()])}`));
      t.diagnostic(JSON.stringify({ before, after: measureProcess() }));
    });

    /** Asks and looks at the service's health until all is done, and says how long that took at most. */
    async function keepAsking(t: TestContext, all: Promise<unknown>): Promise<void> {
      let isDone = false;
      const done = all.finally(() => {
        isDone = true;
      });
      done.catch(() => {}); // it is awaited below
      const longest = { answerMs: 0, healthMs: 0, answers: 0 };
      const timed = async (what: () => Promise<void>) => {
        const startMs = performance.now();
        await what();
        return performance.now() - startMs;
      };
      while (!isDone) {
        const answerMs = await timed(async () => {
          assert.match((await account.ask('植物园几点停止入园？')).text, /五点半/);
        });
        const healthMs = await timed(async () => {
          for (const path of ['/healthz', '/readyz']) {
            const { status } = await fetch(account.service.app.url + path, {
              signal: AbortSignal.timeout(maxHealthMs),
            });
            assert.equal(status, 200, path);
          }
        });
        longest.answerMs = Math.max(longest.answerMs, Math.round(answerMs));
        longest.healthMs = Math.max(longest.healthMs, Math.round(healthMs));
        longest.answers++;
      }
      await done;
      t.diagnostic(JSON.stringify(longest));
      assert.ok(longest.answerMs < maxAnswerMs, `an answer took ${longest.answerMs} ms`);
    }
  });
}

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { startWechatSide } from '../../src/sandbox/wechat-side.ts';
import { runCommand, startCommand } from '../support/command.ts';
import { dialects } from '../support/databases.ts';
import { passOn, startReceiver } from '../support/receiver.ts';
import { article, post } from '../support/service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_copied';
const LONG = { timeout: 240_000 };
const who = ['--actor', 'anna', '--reason', 'a test'];

/** A WeChat side that takes no replies until it is told to. */
async function startClosed(t: TestContext) {
  const wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, [article('a1', '成人票是 168 元。')]);
  let isOpen = false;
  const receiver = await startReceiver(async (call) => {
    if (call.method !== 'v2recvaireply' || isOpen) return passOn(call, wechat.url);
    call.response.writeHead(503).end();
  });
  t.after(async () => {
    await receiver.close();
    await wechat.close();
  });
  const open = () => {
    isOpen = true;
    receiver.arrived.length = 0; // from now on, what arrives is taken
  };
  const taken = () => receiver.arrived.filter(({ method }) => method === 'v2recvaireply').map(({ body }) => body.msgid);
  return { url: receiver.url, open, taken };
}

async function serve(t: TestContext, env: Record<string, string>) {
  const command = startCommand(t, ['serve'], env);
  const log = await command.said('"msg":"serving"');
  const lines = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { command, url: lines.find(({ msg }) => msg === 'serving').url as string, log };
}

const notify = (url: string, msgid: string) => {
  const message = { appid, openid: 'openid-1', msgid, msg_type: 'text', text: { content: '成人票多少钱？' } };
  return post(url, '/api/wxmp/message/notify', message);
};
const isAnswered = async (url: string, msgid: string) => {
  const { deliveries } = await post(url, '/api/wxmp/message/explain', { appid, msgid });
  return deliveries?.length === 1;
};

/** Creates the assistant and has three questions answered whose replies nobody takes. */
async function owe(url: string) {
  await post(url, '/api/wxmp/assistant/create', { appid, name: 'n' });
  await until('it has learned', async () => (await post(url, '/api/wxmp/assistant/detail', { appid })).status === 2);
  for (const msgid of ['q1', 'q2', 'q3']) await notify(url, msgid);
  await until('they are answered', async () => (await isAnswered(url, 'q3')) && (await isAnswered(url, 'q1')));
}

/** What is started on a paused database answers, and sends nothing until it is resumed. */
async function showsItself(
  t: TestContext,
  env: Record<string, string>,
  wechat: Awaited<ReturnType<typeof startClosed>>,
) {
  wechat.open();
  const { command, url, log } = await serve(t, env);
  assert.match(log, /"scope":"global".*"msg":"deliveries are paused until they are resumed"/);
  await notify(url, 'q4');
  await until('a new question is answered', () => isAnswered(url, 'q4'));
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /^wxmp_delivery_pauses\{scope="global"\} 1$/m);
  assert.deepEqual(wechat.taken(), []);
  const resumed = await runCommand(t, ['resume', ...who], env);
  assert.deepEqual([resumed.code, resumed.stdout], [0, 'deliveries go on (global)\n']);
  await until('all arrive', () => wechat.taken().length === 4);
  assert.deepEqual(wechat.taken(), ['q1', 'q2', 'q3', 'q4']);
  command.kill('SIGTERM');
  assert.equal(await command.ended, 0);
}

describe('a copy that is taken while the service runs', () => {
  test('starts with its deliveries paused, and sends all of it after the resume', LONG, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'wxmp-backup-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const wechat = await startClosed(t);
    const env = { BIZCOMM_URL: wechat.url, DATABASE_URL: `sqlite:${folder}/live.db` };
    const { command, url } = await serve(t, env);
    await owe(url);
    let isWriting = true;
    const writing = (async () => {
      for (let number = 0; isWriting; number++) {
        await post(url, '/api/wxmp/assistant/update', { appid, name: `n${number}` });
      }
    })();
    const file = join(folder, 'copy.db');
    const copied = await runCommand(t, ['backup', file], env);
    isWriting = false;
    await writing;
    assert.deepEqual([copied.code, copied.stderr], [0, '']);
    const again = await runCommand(t, ['backup', file], env);
    assert.deepEqual([again.code, again.stderr], [1, `${file} exists\n`]);
    const { stdout } = await runCommand(t, ['resume', ...who], env);
    assert.equal(stdout, 'deliveries were not paused (global)\n', 'the database itself was not paused');
    command.kill('SIGKILL');
    await command.ended;
    await showsItself(t, { ...env, DATABASE_URL: `sqlite:${file}` }, wechat);
  });
});

// One dialect is enough, MySQL where there is one: a process each takes its time.
for (const { name: dialect, create } of dialects.slice(-1)) {
  describe(`the command pause on ${dialect}`, () => {
    test('before the first start on a restored database, nothing is sent until the resume', LONG, async (t) => {
      const database = await create();
      const wechat = await startClosed(t);
      const env = { BIZCOMM_URL: wechat.url, DATABASE_URL: database.url };
      const { command, url } = await serve(t, env);
      await owe(url);
      command.kill('SIGTERM');
      assert.equal(await command.ended, 0);
      const paused = await runCommand(t, ['pause', ...who], env);
      assert.deepEqual([paused.code, paused.stderr], [0, '']);
      assert.match(paused.stdout, /^deliveries are paused \(global\) since \S+Z$/m);
      await showsItself(t, env, wechat);
      await database.drop();
    });

    test('an account or an integration can be named, and backup is for SQLite', LONG, async (t) => {
      const database = await create();
      const env = { DATABASE_URL: database.url };
      const one = await runCommand(t, ['pause', '--appid', 'wx1', ...who], env);
      assert.match(one.stdout, /paused \(appid:wx1\)/, one.stderr);
      const other = await runCommand(t, ['resume', '--integration', 'wx1', ...who], env);
      assert.equal(other.stdout, 'deliveries were not paused (integration:wx1)\n');
      if (dialect === 'mysql') {
        const backup = await runCommand(t, ['backup', join(tmpdir(), 'none.db')], env);
        assert.deepEqual([backup.code, /mysqldump/.test(backup.stderr)], [1, true]);
      }
      await database.drop();
    });
  });
}

test('who and why are required, and what is wrong is told', LONG, async (t) => {
  const all = [
    ['pause', '--actor', 'a'],
    ['resume', '--appid', '', ...who],
    ['pause', '--nonsense', ...who],
    ['backup'],
  ];
  const runs = await Promise.all(all.map((args) => runCommand(t, args)));
  for (const [index, { code, stderr }] of runs.entries()) {
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`^usage: wxmp-assistant ${all[index]![0]} .*>\n$`));
  }
});

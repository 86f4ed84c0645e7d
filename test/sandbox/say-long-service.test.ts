import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { runCommand, startCommand } from '../support/command.ts';
import { createSqlite } from '../support/databases.ts';

const LONG = { timeout: 240_000 };

test(
  'the bot with a long connection answers say --long: a bubble, /new, a group, a file, entering',
  LONG,
  async (t) => {
    const database = await createSqlite();
    t.after(() => database.drop());
    const SECRET_KEY = Buffer.alloc(32, 7).toString('base64');
    const env = { DATABASE_URL: database.url, SANDBOX_ADDR: '127.0.0.1:0', SECRET_KEY, LOG_LEVEL: 'warn' };
    const botFile = join(dirname(database.url.slice('sqlite:'.length)), 'sandbox-bot.json');
    const start = async () => {
      const sandbox = startCommand(t, ['sandbox'], env);
      await sandbox.said('Ctrl-C stops');
      return sandbox;
    };
    const say = (...args: string[]) => runCommand(t, ['say', '--long', ...args], env);

    const sandbox = await start();
    const first = JSON.parse(readFileSync(botFile, 'utf8'));
    assert.ok(!sandbox.stdout().includes(first.long.secret));
    const path = join(dirname(botFile), 'notes.txt');
    writeFileSync(path, '闭馆时间是晚上九点。');
    const asked = await say('--user', 'lisi', '成人票多少钱？');
    assert.equal(asked.code, 0, asked.stderr);
    assert.match(asked.stdout, /^正在思考…\n[\s\S]*168/);
    assert.match(asked.stdout, /http:\/\/127\.0\.0\.1:\d+\/s\//, 'the source');
    assert.equal(asked.stdout.match(/168 元/g)!.length, 1, 'printed once');
    const [renewed, grouped, entered, file] = await Promise.all([
      say('--user', 'wangwu', '/new'),
      say('--user', 'lisi', '--chat', 'group-1', '/new', '成人票多少钱？'),
      say('--enter'),
      say('--file', path),
    ]);
    assert.deepEqual([renewed.code, renewed.stdout], [0, '已开始新的会话，请继续提问。\n'], renewed.stderr);
    assert.match(grouped.stdout, /168/);
    assert.match(entered.stdout, /你好/);
    assert.equal(file.code, 0, file.stderr);
    assert.doesNotMatch(file.stdout, /无法读取/);
    for (const { stderr } of [asked, renewed, grouped, entered, file]) assert.doesNotMatch(stderr, /refused/);
    sandbox.kill('SIGTERM');
    assert.equal(await sandbox.ended, 0, sandbox.stderr());
    assert.equal(sandbox.stderr(), '');

    const again = await start();
    assert.deepEqual(JSON.parse(readFileSync(botFile, 'utf8')).long, first.long, 'made once');
    const answered = await say('--user', 'lisi', '成人票多少钱？');
    assert.match(answered.stdout, /168/, answered.stderr);
    again.kill('SIGTERM');
    await again.ended;
  },
);

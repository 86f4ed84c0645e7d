import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { createPrinter, showCard } from '../../src/sandbox/wecom/print.ts';
import { type Command, runCommand, startCommand } from '../support/command.ts';
import { createSqlite, type TestDatabase } from '../support/databases.ts';

const LONG = { timeout: 120_000 };
const question = '成人票多少钱？';

describe("the sandbox's WeCom side", () => {
  let database: TestDatabase;
  let env: Record<string, string>;
  before(async () => {
    database = await createSqlite();
    const SECRET_KEY = Buffer.alloc(32, 7).toString('base64');
    env = { DATABASE_URL: database.url, SANDBOX_ADDR: '127.0.0.1:0', SECRET_KEY };
  });
  after(() => database?.drop());

  const botFile = () => join(dirname(database.url.slice('sqlite:'.length)), 'sandbox-bot.json');
  const startSandbox = async (t: TestContext, more = {}): Promise<Command> => {
    const sandbox = startCommand(t, ['sandbox'], { ...env, LOG_LEVEL: 'warn', ...more });
    await sandbox.said('Ctrl-C stops');
    return sandbox;
  };
  const say = (t: TestContext, ...args: string[]) => runCommand(t, ['say', ...args], env);

  test('before the first start say tells what to do', LONG, async (t) => {
    const { code, stderr } = await say(t, question);
    assert.equal(code, 1);
    assert.match(stderr, /^there is no bot in \S+sandbox-bot\.json: start `make run` first\n$/);
  });

  test(
    'a question is answered in a bubble that grows, with its source; /new, a group, a file and enter_chat',
    LONG,
    async (t) => {
      const sandbox = await startSandbox(t);
      const [asked, renewed, grouped, entered] = await Promise.all([
        say(t, '--user', 'lisi', question),
        say(t, '--user', 'wangwu', '/new'),
        say(t, '--user', 'lisi', '--chat', 'group-1', '/new', question),
        say(t, '--enter'),
      ]);
      for (const each of [asked, grouped]) {
        assert.deepEqual([each.code, each.stderr], [0, '']);
        assert.match(each.stdout, /^正在思考…\n/);
        assert.match(each.stdout, /168/);
        assert.match(each.stdout, /http:\/\/127\.0\.0\.1:\d+\/s\//, 'the source');
        assert.equal(each.stdout.match(/168/g)!.length, asked.stdout.match(/168/g)!.length, 'printed once');
      }
      assert.deepEqual([renewed.code, renewed.stdout], [0, '已开始新的会话，请继续提问。\n']);
      assert.equal(entered.code, 0);
      assert.match(entered.stdout, /你好/);

      const path = join(dirname(botFile()), 'notes.txt');
      writeFileSync(path, '闭馆时间是晚上九点。');
      const file = await say(t, '--file', path);
      assert.equal(file.code, 0, file.stderr);
      assert.notEqual(file.stdout, '');

      sandbox.kill('SIGTERM');
      assert.equal(await sandbox.ended, 0, sandbox.stderr());
      assert.equal(sandbox.stderr(), '');
      const { code, stderr } = await say(t, question);
      assert.deepEqual([code, stderr.split('\n').length], [1, 2], stderr);
      assert.match(stderr, /is `make run` running/);
    },
  );

  test('without fetching the answer comes once by the response_url', LONG, async (t) => {
    const sandbox = await startSandbox(t);
    const { code, stdout, stderr } = await say(t, '--no-poll', question);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^\[response_url\]\n[\s\S]*168/);
    sandbox.kill('SIGTERM');
    await sandbox.ended;
  });

  test(
    'its bot is made once, also behind an ADMIN_TOKEN; its credentials are its own, and for its owner',
    LONG,
    async (t) => {
      const first = JSON.parse(readFileSync(botFile(), 'utf8'));
      assert.equal(statSync(botFile()).mode & 0o777, 0o600);
      assert.match(first.encodingAesKey, /^[A-Za-z0-9+/]{43}$/);
      const sandbox = await startSandbox(t, { ADMIN_TOKEN: 'token-of-the-test' });
      const { callbackUrl, ...second } = JSON.parse(readFileSync(botFile(), 'utf8'));
      assert.deepEqual(
        [second.integrationId, second.token, second.encodingAesKey],
        [first.integrationId, first.token, first.encodingAesKey],
      );
      const said = sandbox.stdout();
      assert.ok(said.includes(callbackUrl) && !said.includes(first.token) && !said.includes(first.encodingAesKey));
      const wrong = await say(t, '--bot', `${callbackUrl}X`, question);
      assert.deepEqual([wrong.code, wrong.stderr], [1, 'the bot answers HTTP 404: not found\n']);
      sandbox.kill('SIGTERM');
      await sandbox.ended;
    },
  );

  test('bad options are refused with the usage, and --help tells it in both languages', LONG, async (t) => {
    const bad = [[], ['--nothing', 'x'], ['--wait', 'long', 'x'], ['--file', '/none/such'], ['--user', '', 'x']];
    const results = await Promise.all(bad.map((args) => say(t, ...args)));
    for (const [at, { code, stdout, stderr }] of results.entries()) {
      assert.deepEqual([code, stdout], [2, ''], bad[at]!.join(' '));
      assert.match(stderr, /^usage: wxmp-assistant say[^\n]*\n$/);
    }
    const help = await say(t, '--help');
    assert.equal(help.code, 0);
    for (const word of ['--no-poll', 'who says it', '发送者']) assert.ok(help.stderr.includes(word), word);
  });
});

test('of a text that grows what is new is printed, of another one the whole; nothing that steers a terminal', () => {
  let written = '';
  const printer = createPrinter((text) => {
    written += text;
  });
  for (const text of ['思考', '一', '一二', '一二', '一二三', '四']) printer.grow(text);
  printer.end();
  printer.grow('a\u001b[2Jb\r\n\tc');
  printer.end();
  assert.equal(written, '思考\n一二三\n四\na[2Jb\n\tc\n');
});

test('a card is printed with its texts, facts, choices and buttons, whatever else is in it', () => {
  const card = {
    card_type: 'button_interaction',
    main_title: { title: '批准吗？', desc: '李四' },
    horizontal_content_list: [{ keyname: '天数', value: '3' }],
    button_list: [
      { text: '批准', key: 'yes' },
      { text: '驳回', key: 'no' },
    ],
    select_list: 'nonsense',
    checkbox: { option_list: [{ text: '加急' }] },
  };
  const expected = [
    '┌ button_interaction',
    '│ 批准吗？  李四',
    '│ 天数: 3',
    '│ ( ) 加急',
    '│ [批准] yes',
    '│ [驳回] no',
    '└',
  ];
  assert.equal(showCard(card), expected.join('\n'));
  assert.equal(showCard({}), '┌ card\n└');
});

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { startWechatSide } from '../src/sandbox/wechat-side.ts';
import { type Command, runCommand, startCommand } from './support/command.ts';
import { dialects } from './support/databases.ts';
import { post } from './support/service.ts';
import { until } from './support/until.ts';

const root = join(import.meta.dirname, '..');
const LONG = { timeout: 120_000 };

/** The lines of a log, each of which has to be one. */
const logOf = (command: Command) =>
  command
    .stdout()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

for (const { name: dialect, create } of dialects) {
  describe(`the commands on ${dialect}`, () => {
    test('serve logs, answers, and ends with 0 on SIGTERM and on SIGINT', LONG, async (t) => {
      const database = await create();
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        const command = startCommand(t, ['serve'], { DATABASE_URL: database.url });
        await command.said('"msg":"serving"');
        const { url, publicUrl } = logOf(command).find(({ msg }) => msg === 'serving');
        assert.equal((await post(url, '/api/wxmp/assistant/list', {})).errcode, 0);
        assert.equal((await fetch(`${publicUrl}/healthz`)).status, 200);
        assert.ok(
          logOf(command).some(({ msg }) => /BIZCOMM_URL is not set/.test(msg)),
          'it says what it lacks',
        );
        command.kill(signal);
        assert.equal(await command.ended, 0, command.stderr());
        assert.equal(logOf(command).at(-1).msg, 'stopped');
        assert.equal(command.stderr(), '');
        await assert.rejects(fetch(`${url}/healthz`));
      }
      await database.drop();
    });

    test('doctor tells a fresh database from one that migrate has brought up to date', LONG, async (t) => {
      const database = await create();
      const env = { DATABASE_URL: database.url };
      const fresh = await runCommand(t, ['doctor'], env);
      assert.deepEqual([fresh.code, fresh.stderr], [0, '']);
      assert.match(fresh.stdout, /^ok +schema: lacks everything/m);
      assert.match((await runCommand(t, ['migrate'], env)).stdout, /^ran \S+/);
      assert.deepEqual(await runCommand(t, ['migrate'], env), {
        ...{ code: 0, stdout: 'the schema is up to date\n', stderr: '' },
      });
      const ready = await runCommand(t, ['doctor'], env);
      assert.match(ready.stdout, new RegExp(`^ok +database: ${dialect}, its clock is -?\\d+ ms`, 'm'));
      assert.match(ready.stdout, /^ok +schema: up to date/m);
      await database.drop();
    });
  });
}

test('doctor tries each address of the WeChat side, and ends with 1 where one is dead', LONG, async (t) => {
  const wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, []);
  const well = await runCommand(t, ['doctor'], { BIZCOMM_URL: wechat.url });
  assert.deepEqual([well.code, well.stderr], [0, '']);
  const ill = await runCommand(t, ['doctor'], { BIZCOMM_URL: `${wechat.url},http://127.0.0.1:1` });
  assert.equal(ill.code, 1);
  assert.match(ill.stdout, /^ok +WeChat side: http/m);
  assert.match(ill.stdout, /^FAIL +WeChat side: .*ECONNREFUSED/m);
  await wechat.close();
});

test('doctor trusts the CA and the name that are set for the WeChat side, as the service does', LONG, async (t) => {
  if (spawnSync('openssl', ['version']).status !== 0) return t.skip('there is no openssl to make a certificate');
  const folder = mkdtempSync(join(tmpdir(), 'wxmp-doctor-'));
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const files = ['-keyout', 'key.pem', '-out', 'ca.pem', '-subj', '/CN=wechat.test'];
  const options = { cwd: folder, stdio: 'ignore' } as const;
  execFileSync('openssl', [...request, ...files, '-addext', 'subjectAltName=DNS:wechat.test'], options);
  const [key, cert] = ['key.pem', 'ca.pem'].map((file) => readFileSync(join(folder, file)));
  const server = createServer({ key, cert }, (_, response) => response.end('{}')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const env = { BIZCOMM_URL: `https://127.0.0.1:${(server.address() as AddressInfo).port}` };
  assert.equal((await runCommand(t, ['doctor'], env)).code, 1);
  const trusting = { ...env, BIZCOMM_CA_FILE: join(folder, 'ca.pem'), BIZCOMM_TLS_SERVERNAME: 'wechat.test' };
  const { code, stdout } = await runCommand(t, ['doctor'], trusting);
  assert.equal(code, 0, stdout);
  server.close();
  rmSync(folder, { recursive: true });
});

test('help ends with 0, an unknown command or none with 2, and all of them show the usage', LONG, async (t) => {
  const runs: [args: string[], code: number][] = [
    [['help'], 0],
    [['--help'], 0],
    [['nonsense'], 2],
    [[], 2],
  ];
  await Promise.all(
    runs.map(async ([args, code]) => {
      const result = await runCommand(t, args);
      assert.deepEqual([result.code, result.stdout], [code, ''], args[0]);
      for (const command of ['serve', 'sandbox', 'migrate', 'doctor']) assert.match(result.stderr, new RegExp(command));
    }),
  );
});

test('a bad setting stops each command with one line, which does not tell the value', LONG, async (t) => {
  const stopped = async (command: string) => {
    const { code, stdout, stderr } = await runCommand(t, [command], { QUERY_TIMEOUT_MS: 's3cret' });
    assert.deepEqual([code, stdout], [1, ''], command);
    assert.equal(stderr, 'QUERY_TIMEOUT_MS: expected a whole number from 100 to 60000\n');
  };
  await Promise.all(['serve', 'sandbox', 'migrate', 'doctor'].map(stopped));
});

test('a port that is taken stops the start with one line that says what to do', LONG, async (t) => {
  const holder = net.createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const taken = `127.0.0.1:${(holder.address() as AddressInfo).port}`;
  const stopped = async (command: string, name: string) => {
    const { code, stderr } = await runCommand(t, [command], { SANDBOX_ADDR: '127.0.0.1:0', [name]: taken });
    assert.equal(code, 1, name);
    assert.match(stderr, new RegExp(`^[^\\n]*EADDRINUSE[^\\n]*${taken}[^\\n]*${name}[^\\n]*\\n$`), name);
  };
  await Promise.all([
    stopped('serve', 'HTTP_ADDR'),
    stopped('serve', 'PUBLIC_ADDR'),
    stopped('sandbox', 'SANDBOX_ADDR'),
  ]);
  holder.close();
});

for (const token of [undefined, 'token-of-the-test']) {
  const what = token === undefined ? '' : ', also with a WXMP_TOKEN';
  test(
    `sandbox learns, and shows articles and files being learned, prints four commands that work as printed${what}`,
    LONG,
    async (t) => {
      const command = startCommand(t, ['sandbox'], {
        SANDBOX_ADDR: '127.0.0.1:0',
        ...(token && { WXMP_TOKEN: token }),
      });
      const said = await command.said('Ctrl-C stops');
      assert.match(said, /^learning {2}\d+ articles …\n[\s\S]*^ready {5}status 2/m);
      assert.ok(token === undefined || !said.includes(token), 'the token is not printed');
      for (const type of ['PDF', 'DOC', 'DOCX', 'TXT', 'HTML']) {
        assert.match(said, new RegExp(`^learning {2}\\S+ \\(${type}\\) {3}file_rag_status 5$`, 'm'));
      }
      const [json, grpc, file, replies] = commandsIn(said);
      const env = { WXMP_TOKEN: token ?? '' };
      assert.equal(JSON.parse(await bash(json!, env)).errcode, 0);
      assert.deepEqual(JSON.parse(await bash(grpc!, env)), {});
      assert.equal(JSON.parse(await bash(file!, env)).errcode, 0);
      const seen = await until('all answers are there', async () => {
        const { replies: all } = JSON.parse(await bash(replies!, env));
        return all.length === 3 && all;
      });
      for (const { segments } of seen.slice(0, 2)) {
        assert.match(segments.at(-1).quotation, /^《.+》http:\/\/127\.0\.0\.1:\d+\/s\//);
      }
      assert.match(seen[2].segments.at(-1).quotation, /^《.+\.pdf》第 1 页$/);
      command.kill('SIGTERM');
      assert.equal(await command.ended, 0, command.stderr());
      assert.equal(command.stderr(), '');
    },
  );
}

test('sandbox --only is the WeChat side for a service of its own', LONG, async (t) => {
  const sandbox = startCommand(t, ['sandbox', '--only'], { SANDBOX_ADDR: '127.0.0.1:0' });
  const BIZCOMM_URL = /BIZCOMM_URL=(\S+)/.exec(await sandbox.said('BIZCOMM_URL='))![1]!;
  const service = startCommand(t, ['serve'], { BIZCOMM_URL });
  await service.said('"msg":"serving"');
  const { url } = logOf(service).find(({ msg }) => msg === 'serving');
  await post(url, '/api/wxmp/assistant/create', { appid: 'wx_only', name: '助手' });
  await until('it has learned', async () => {
    const { status } = await post(url, '/api/wxmp/assistant/detail', { appid: 'wx_only' });
    return status === 2;
  });
  for (const command of [service, sandbox]) {
    command.kill('SIGTERM');
    assert.equal(await command.ended, 0, command.stderr());
  }
});

/** The commands that stand indented in what was printed, with their continuation lines. */
function commandsIn(text: string): string[] {
  return [...text.matchAll(/^ {2}(?:curl|node_modules)(?:.*\\\n)*.*/gm)].map(([command]) => command.trim());
}

function bash(command: string, env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    // The real curl where there is one.
    const PATH = `${process.env.PATH}:${join(root, 'test/support/bin')}`;
    const options = { cwd: root, env: { ...process.env, ...env, PATH }, timeout: 30_000 };
    execFile('bash', ['-c', command], options, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(`${command}: ${stderr}`)),
    );
  });
}

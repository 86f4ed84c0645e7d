import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { createConnection } from 'mysql2/promise';
import { ErrorInfoSchema, RetryInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { MessageService } from '../../gen/wxmp/message/v1/message_pb.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { dialects } from '../support/databases.ts';
import { type FakeLlm, sendPieces, startFakeLlm } from '../support/fake-llm.ts';
import { type Answer, article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const LONG = { timeout: 120_000 };
const notify = '/api/wxmp/message/notify';
const articles = [article('a1', '成人票是 168 元，儿童票是 98 元。')];

let asked = 0;
function question(appid: string, openid = `u-${++asked}`) {
  return { appid, openid, msgid: `m-${++asked}`, msg_type: 'text', text: { content: '成人票多少钱？' } };
}

function assertRefused({ errcode, errmsg, retry_after }: Answer): void {
  assert.equal(errcode, 42901, errmsg);
  assert.ok(Number.isInteger(retry_after) && retry_after >= 1 && retry_after <= 15, String(retry_after));
}

for (const { name: dialect } of dialects) {
  describe(`too much at once, on ${dialect}`, () => {
    const [flood, other] = ['wx_flood', 'wx_other'];
    let service: Service;
    let database: Database;
    let llm: FakeLlm;
    before(async () => {
      llm = await startFakeLlm(sendPieces(['成人票是 168 元。[1]']));
      const env = {
        ...{ LLM_BASE_URL: llm.url, LLM_MODEL: 'm', LLM_TIMEOUT_MS: '20000', ANSWER_WORKERS: '4' },
        ...{ ACCEPT_WORKERS: '2', ACCEPT_QUEUE_CALLS: '4', ACCEPT_WAIT_MS: '1500', REQUEST_TIMEOUT_MS: '60000' },
        ...{ BACKLOG_QUESTIONS: '50', MAX_OPEN_CALLS: '12' },
      };
      service = await startService({ dialect, articles, env });
      for (const appid of [flood, other]) await service.createLearned(appid);
      database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 60_000 });
    });
    after(async () => {
      await database?.close();
      await service?.stop();
      await llm?.close();
    });

    const send = (appid: string) => service.call(notify, question(appid));
    const metric = async (line: RegExp) => {
      const text = await (await fetch(`${service.app.url}/metrics`)).text();
      return Number(line.exec(text)?.[1] ?? 0);
    };
    const countMessages = async () =>
      (await database.all<{ n: number }>("select count(*) n from message where speaker = 'user'"))[0]!.n;
    const allAnswered = () =>
      until('all are answered', async () => {
        const [row] = await database.all<{ n: number }>("select count(*) n from message where state = 'pending'");
        return row!.n === 0;
      });

    test(
      'while the database is stuck, what can not wait is refused at once, and nothing of it is stored',
      LONG,
      async () => {
        await allAnswered();
        const stored = await countMessages();
        const accepted: Promise<Answer>[] = [];
        const unlock = await lock();
        try {
          const flooding = Array.from({ length: 7 }, () => send(flood));
          accepted.push(...flooding);
          const others = send(other);
          accepted.push(others);
          // One of 7 has a slot, another account has the other; 4 wait. The rest is refused before the database is free.
          await Promise.race(flooding.map(undone));
          await until(
            'those that wait are refused',
            async () => (await metric(/refused_total\{reason="busy"\} (\d+)/)) > 3,
          );
          // Those that have the slots give up in time, and others get theirs; between that nothing comes out.
          await until('it counts as stuck', () => {
            accepted.push(send(flood));
            return metric(/refused_total\{reason="stuck"\} (\d+)/);
          });
          await readsWork();
        } finally {
          await unlock();
        }
        const answers = await Promise.all(accepted);
        const count = (code: number) => answers.filter(({ errcode }) => errcode === code).length;
        for (const answer of answers) if (![0, 50301].includes(answer.errcode)) assertRefused(answer);
        // What had begun is stored, or was given up when it took too long: then nobody knows.
        assert.ok(count(42901) >= 6, `${count(42901)} of ${answers.length} were refused`);
        const more = (await countMessages()) - stored;
        assert.ok(more >= count(0) && more <= count(0) + count(50301), `${more} were stored`);
        assert.equal((await send(flood)).errcode, 0, 'and all is well again');
        await allAnswered();
      },
    );

    test('an account has its share of what waits for answers; then another is still taken', LONG, async () => {
      await allAnswered();
      llm.answer = () => {}; // hangs
      let taken = 0;
      const refused = await until('the flood is refused', async () => {
        const answer = await send(flood);
        if (answer.errcode !== 0) return answer;
        taken++;
        return undefined;
      });
      assertRefused(refused);
      assert.match(refused.errmsg, /waits/);
      assert.ok(taken >= 30 && taken <= 40, `${taken}: four fifths of 50, or less when a reading counts twice`);
      for (let at = 0; at < 3; at++) assert.equal((await send(other)).errcode, 0);
      assertRefused(await send(flood));
      assert.ok((await metric(/refused_total\{reason="backlog"\} (\d+)/)) >= 2);

      llm.answer = sendPieces(['成人票是 168 元。[1]']);
      for (const { response } of llm.asked) response.destroy();
      await allAnswered();
      await until('the flood is taken again', async () => (await send(flood)).errcode === 0);
      await allAnswered();
    });

    test('the refusal is told over Connect and gRPC as well', LONG, async () => {
      await allAnswered();
      llm.answer = () => {};
      const baseUrl = service.app.url;
      for (const transport of [
        createConnectTransport({ baseUrl, httpVersion: '1.1' }),
        createConnectTransport({ baseUrl, httpVersion: '2' }),
        createGrpcTransport({ baseUrl }),
      ]) {
        const client = createClient(MessageService, transport);
        const error = await until('the flood is refused', () => {
          const { msg_type: msgType, ...rest } = question(flood);
          return client.notifyMessage({ ...rest, msgType }).then(() => undefined, ConnectError.from);
        });
        assert.equal(error.code, Code.ResourceExhausted);
        const [info] = error.findDetails(ErrorInfoSchema);
        assert.equal(info?.reason, 'TOO_MUCH');
        assert.equal(info?.metadata.errcode, '42901');
        const seconds = Number(info?.metadata.retry_after);
        assert.ok(seconds >= 10 && seconds <= 15);
        assert.equal(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds, BigInt(seconds));
      }
      llm.answer = sendPieces(['成人票是 168 元。[1]']);
      for (const { response } of llm.asked) response.destroy();
      await allAnswered();
    });

    test('with too many calls open, writing is refused before its body is read; reading goes on', LONG, async () => {
      await allAnswered();
      const { host, hostname, port } = new URL(service.app.url);
      const head = `POST ${notify} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n`;
      const sockets: Socket[] = [];
      try {
        for (let at = 0; at < 14; at++) {
          const socket = connect(Number(port), hostname)
            .on('error', () => {})
            .resume();
          await once(socket, 'connect');
          socket.write(`${head}content-length: 500\r\n\r\n{`); // and no more
          sockets.push(socket);
        }
        await until('two are too many', () => sockets.filter(({ bytesRead }) => bytesRead > 0).length === 2);
        const socket = connect(Number(port), hostname);
        sockets.push(socket);
        socket.write(`${head}content-length: 500\r\n\r\n{`);
        const [bytes] = (await once(socket, 'data')) as [Buffer];
        assert.match(bytes.toString(), /"errcode":42901.*"retry_after":[12]\b/s);
        const response = await fetch(`${service.app.url}/wxmp.message.v1.MessageService/NotifyMessage`, {
          ...{ method: 'POST', body: JSON.stringify(question(other)), headers: { 'content-type': 'application/json' } },
        });
        assert.equal(((await response.json()) as { code: string }).code, 'resource_exhausted');
        await readsWork();
      } finally {
        for (const socket of sockets) socket.destroy();
      }
      await until('they are closed', async () => (await metric(/calls_now\{state="open"\} (\d+)/)) <= 1);
      assert.equal((await send(other)).errcode, 0);
      await allAnswered();
    });

    test('a burst that fits is taken whole, each once', LONG, async () => {
      await allAnswered();
      await service.stopApp();
      await service.restartApp({
        ACCEPT_WORKERS: '5',
        ACCEPT_QUEUE_CALLS: '300',
        ACCEPT_WAIT_MS: '60000',
        BACKLOG_QUESTIONS: '20000',
        MAX_OPEN_CALLS: '1000',
      });
      const stored = await countMessages();
      const burst = Array.from({ length: 200 }, () => question(flood, `u-${++asked % 20}`));
      const answers = await Promise.all([...burst, ...burst.slice(0, 20)].map((body) => service.call(notify, body)));
      assert.deepEqual(new Set(answers.map(({ errcode }) => errcode)), new Set([0]));
      assert.equal(await countMessages(), stored + 200);
      await allAnswered();
    });

    async function readsWork(): Promise<void> {
      assert.equal((await service.call('/api/wxmp/assistant/list', {})).errcode, 0);
      assert.equal((await service.call('/api/wxmp/assistant/detail', { appid: flood })).errcode, 0);
      assert.equal((await fetch(`${service.app.url}/healthz`)).status, 200);
    }

    /** Lets no message be stored until it is called back. */
    async function lock(): Promise<() => Promise<void>> {
      if (dialect === 'sqlite') {
        await database.run('begin immediate');
        return async () => void (await database.run('rollback'));
      }
      const connection = await createConnection(service.databaseUrl);
      await connection.query('lock tables conversation write');
      return () => connection.end();
    }
  });
}

/** Resolves when a call was refused. */
async function undone(call: Promise<Answer>): Promise<Answer> {
  const answer = await call;
  assertRefused(answer);
  return answer;
}

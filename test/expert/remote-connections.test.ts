import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answering, begin, end, final, send, startFakeRemoteExpert } from '../support/fake-remote-expert.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { assertFellBack, makeRemote, spawnExample } from './remote-setup.ts';

const ok = answering(final({ text: '十点。' }));

test('a hundred questions at once share one connection', async (t) => {
  const engine = await startFakeRemoteExpert(ok);
  t.after(engine.close);
  const { ask } = makeRemote(t);
  const asked = await Promise.all(Array.from({ length: 100 }, () => ask(engine.url)));
  assert.ok(asked.every(({ answer }) => answer.text === '十点。'));
  assert.deepEqual([engine.calls.length, engine.connections.all], [100, 1]);
});

test('an engine that is leaving finishes its calls, and the next go over another connection', async (t) => {
  const engine = await startFakeRemoteExpert(begin);
  t.after(engine.close);
  const { ask, reasons } = makeRemote(t);
  const asked = ask(engine.url);
  const [call] = await until('the engine is asked', () => engine.calls.length > 0 && engine.calls, 10_000);
  const { session } = call!;
  session.goaway(0);
  // Its client has read the news before it answers a ping.
  await new Promise((resolve) => session.ping(resolve));
  engine.answer = ok;
  assert.equal((await ask(engine.url)).answer.text, '十点。');
  assert.deepEqual(engine.connections, { open: 2, all: 2 });
  send(call!, final({ text: '最后。' }));
  end(call!);
  assert.equal((await asked).answer.text, '最后。');
  await until('the old connection is closed', () => engine.connections.open === 1, 10_000);
  assert.deepEqual(reasons, []);
});

test('an engine that has left while nobody asked is reached again', async (t) => {
  const engine = await startFakeRemoteExpert(ok);
  t.after(engine.close);
  const { ask, reasons } = makeRemote(t);
  for (let i = 1; i <= 5; i++) {
    assert.equal((await ask(engine.url)).answer.text, '十点。');
    engine.calls.at(-1)!.session.close();
    await until('the connection is closed', () => engine.connections.open === 0, 10_000);
    assert.equal(engine.connections.all, i);
  }
  assert.deepEqual(reasons, []);
});

test('a connection that nobody uses is closed when the engine says that it is leaving', async (t) => {
  const engine = await startFakeRemoteExpert(ok);
  t.after(engine.close);
  const { ask, reasons } = makeRemote(t);
  await ask(engine.url);
  // Node's server does not hear the end of a connection that it has left: only our own socket tells.
  const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  const before = sockets();
  engine.calls[0]!.session.goaway(0);
  await until('the connection is closed', () => sockets() < before, 10_000);
  assert.equal((await ask(engine.url)).answer.text, '十点。');
  assert.deepEqual(reasons, []);
});

test('a connection that nobody uses is closed', async (t) => {
  const engine = await startFakeRemoteExpert(ok);
  t.after(engine.close);
  const { ask } = makeRemote(t, { pingMs: 50, idleMs: 100 });
  await ask(engine.url);
  await until('it is closed', () => engine.connections.open === 0, 10_000);
  assert.equal((await ask(engine.url)).answer.text, '十点。');
  assert.equal(engine.connections.all, 2);
});

test('an engine that thinks for long is told apart from a dead one', async (t) => {
  const engine = await startFakeRemoteExpert((call) => {
    let pings = 0;
    call.session.on('ping', () => {
      pings += 1;
      if (pings === 3) ok(call);
    });
  });
  t.after(engine.close);
  const { answer } = await makeRemote(t, { pingMs: 100 }).ask(engine.url);
  assert.equal(answer.text, '十点。');
});

test('connections that break while others are made cost only the calls that they had', async (t) => {
  let asked = 0;
  const engine = await startFakeRemoteExpert((call) => {
    asked += 1;
    if (asked % 17 === 0) return call.session.destroy();
    if (asked % 11 === 0) call.session.goaway(0);
    if (asked % 23 === 0) call.session.goaway(11); // ENHANCE_YOUR_CALM: the client ends all its calls
    ok(call);
  });
  t.after(engine.close);
  const { ask } = makeRemote(t, { circuitOpenMs: 1 });
  const ends = new Map<string, number>();
  const askAll = async () => {
    for (let i = 0; i < 100; i++) {
      const end = await until('the circuit lets it through', async () => {
        const { fellBack = 'answered' } = (await ask(engine.url)).answer.trace;
        return fellBack !== 'remote: circuit open' && fellBack;
      });
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: 4 }, askAll));
  t.diagnostic(`${engine.connections.all} connections; ${JSON.stringify([...ends])}`);
  assert.ok(ends.get('answered')! > 200);
  engine.answer = ok;
  await until('all is well', async () => (await ask(engine.url)).answer.trace.fellBack === undefined, 10_000);
});

test('a dead peer is noticed by a ping, and another connection is made', async (t) => {
  const server = await spawnExample(t);
  const proxy = await startTcpProxy(new URL(server.url));
  t.after(proxy.close);
  const url = proxy.through(server.url);
  const { ask } = makeRemote(t, { pingMs: 200 });
  assert.equal((await ask(url)).answer.trace.expert, 'remote');
  proxy.goSilent();
  assertFellBack((await ask(url)).answer, 'remote: no connection: ETIMEDOUT');
  proxy.heal();
  await until('the engine answers again', async () => (await ask(url)).answer.trace.expert === 'remote', 20_000);
});

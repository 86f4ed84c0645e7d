import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import type { ExpertEvent } from '../../src/expert/expert.ts';
import { answering, begin, end, final, send, startFakeRemoteExpert } from '../support/fake-remote-expert.ts';
import { until } from '../support/until.ts';
import { found, passage } from './llm-setup.ts';
import { assertFellBack, makeRemote, spawnExample } from './remote-setup.ts';

const long = {
  ...found,
  passages: [passage('a', '水母每天十点吃饭。它们吃虾。馆员喂它们。'), ...found.passages.slice(1)],
};

test('the example engine answers over gRPC, in drafts and then whole, with the source cited', async (t) => {
  const engine = await spawnExample(t, { draftEveryMs: 600 });
  const { ask, reasons } = makeRemote(t);
  const { answer, drafts } = await ask(engine.url, { result: long, question: { account: 'wx1' } });
  assert.equal(answer.text, '水母每天十点吃饭。它们吃虾。馆员喂它们。');
  assert.deepEqual(drafts, ['水母每天十点吃饭。', '水母每天十点吃饭。它们吃虾。', answer.text]);
  assert.deepEqual(
    answer.citations.map(({ documentId }) => documentId),
    ['a'],
  );
  assert.equal(answer.refused, false);
  const { passages, ...trace } = answer.trace;
  assert.deepEqual(trace, {
    ...{ expert: 'remote', searched: '水母几点吃饭？', support: 0.9, threshold: 0.5, model: 'example 1.0' },
  });
  assert.deepEqual(
    passages.map(({ cited }) => cited),
    [true, false, false],
  );
  assert.deepEqual(reasons, []);
});

test('the example engine refuses when too little was found: it decides, not the service', async (t) => {
  const engine = await spawnExample(t);
  const { ask } = makeRemote(t);
  for (const result of [
    { ...found, support: 0.2 },
    { passages: [], support: 0 },
  ]) {
    const { answer } = await ask(engine.url, { result });
    assert.deepEqual([answer.refused, answer.text, answer.citations], [true, '', []]);
    assert.deepEqual([answer.trace.expert, answer.trace.fellBack], ['remote', undefined]);
  }
});

test('an engine killed in mid-answer leaves the extractive answer; once it is back, it answers again', async (t) => {
  const engine = await spawnExample(t, { draftEveryMs: 1000 });
  const { ask, stream, reasons } = makeRemote(t);
  const events: ExpertEvent[] = [];
  for await (const event of stream(engine.url, { result: long })) {
    events.push(event);
    if (events.length === 1) await engine.kill();
  }
  assert.deepEqual(events[0], { type: 'draft', text: '水母每天十点吃饭。' });
  const last = events.at(-1);
  assert.ok(last?.type === 'final');
  assertFellBack(last.answer, 'remote: cut stream');
  assertFellBack((await ask(engine.url)).answer, 'remote: no connection: ECONNREFUSED');
  assert.deepEqual(reasons, ['remote: cut stream', 'remote: no connection: ECONNREFUSED']);

  await spawnExample(t, { port: engine.port });
  const { answer } = await ask(engine.url);
  assert.deepEqual([answer.trace.expert, answer.text], ['remote', '水母每天十点吃饭。']);
});

test('an engine gets the question with all that was found, also below the threshold, and the time it has', async (t) => {
  const engine = await startFakeRemoteExpert(answering(final({ text: '十点。' })));
  t.after(engine.close);
  const { ask } = makeRemote(t);
  const { answer } = await ask(engine.url, {
    question: {
      account: 'wx1',
      instructions: '简短',
      threshold: 0.7,
      history: [
        { speaker: 'user', content: '你好' },
        { speaker: 'assistant', content: '您好' },
      ],
    },
    result: { ...found, support: 0.3 },
    timeoutMs: 2500,
  });
  assert.equal(answer.text, '十点。');
  assert.equal(answer.trace.threshold, 0.7);
  const { request, path, timeout } = engine.calls[0]!;
  assert.equal(path, '/expert.v1.ExpertService/Run');
  assert.equal(timeout, '2500m');
  const { appid, question, instructions, searched, support, threshold } = request;
  assert.deepEqual(
    [appid, question, instructions, searched, support, threshold],
    ['wx1', '水母几点吃饭？', '简短', '水母几点吃饭？', 0.3, 0.7],
  );
  assert.deepEqual(
    request.history.map(({ speaker, content }) => [speaker, content]),
    [
      ['user', '你好'],
      ['assistant', '您好'],
    ],
  );
  assert.deepEqual(
    request.passages.map(({ $typeName, ...rest }) => rest),
    found.passages.map(({ source, page = 0, heading, text, score }) => ({ ...source, page, heading, text, score })),
  );
});

test('without a time of its own, or with a longer one, an engine gets the most that any does', async (t) => {
  const engine = await startFakeRemoteExpert(answering(final({ text: '十点。' })));
  t.after(engine.close);
  const { ask } = makeRemote(t, { timeoutMs: 7000 });
  for (const timeoutMs of [0, 600_000]) await ask(engine.url, { timeoutMs });
  assert.deepEqual(
    engine.calls.map(({ timeout }) => timeout),
    ['7000m', '7000m'],
  );
});

test('an answer without citations is the engine’s own, and is shown', async (t) => {
  const engine = await startFakeRemoteExpert(
    answering(final({ text: '十点。', promptTokens: 7, completionTokens: 3 })),
  );
  t.after(engine.close);
  const { answer } = await makeRemote(t).ask(`${engine.url}/`);
  assert.deepEqual([answer.text, answer.citations, answer.refused], ['十点。', [], false]);
  assert.deepEqual(answer.trace.tokens, { prompt: 7, completion: 3 });
  assert.equal('model' in answer.trace || 'dropped' in answer.trace, false);
});

test('numbers of passages that were not given are dropped and listed; each passage is cited once', async (t) => {
  const cited = [3, 9, 1, 3, 0, 9, 4_294_967_295];
  const engine = await startFakeRemoteExpert(answering(final({ text: '十点。', cited })));
  t.after(engine.close);
  const { answer } = await makeRemote(t).ask(engine.url);
  const { documentId: _, ...a } = found.passages[0]!.source;
  assert.deepEqual(answer.citations, [
    { documentId: 'a', ...a, places: [{ heading: '位置' }, { page: 3, heading: '喂食' }] },
  ]);
  assert.deepEqual(answer.trace.dropped, ['citation 9 of 3', 'citation 0 of 3', 'citation 4294967295 of 3']);
  assert.deepEqual(
    answer.trace.passages.map(({ cited }) => cited),
    [true, false, true],
  );
});

test('a refusal has neither text nor citations, whatever comes with it', async (t) => {
  const engine = await startFakeRemoteExpert(answering(final({ text: '十点。', cited: [1], refused: true })));
  t.after(engine.close);
  const { answer } = await makeRemote(t).ask(engine.url);
  assert.deepEqual([answer.refused, answer.text, answer.citations], [true, '', []]);
  assert.ok(answer.trace.passages.every(({ cited }) => !cited));
});

test('texts lose what cannot be shown', async (t) => {
  const text = ' \u0000十\u001b[31m点\r\n\n\n\n。\u007f ';
  const model = `flow\u0007 1\n2${'x'.repeat(300)}`;
  const engine = await startFakeRemoteExpert(answering(text, final({ text, model })));
  t.after(engine.close);
  const { answer, drafts } = await makeRemote(t).ask(engine.url);
  assert.equal(answer.text, '十[31m点\n\n。');
  assert.deepEqual(drafts, [answer.text]);
  assert.match(answer.trace.model!, /^flow 1 2x{190,192}$/);
});

test('drafts come at most twice a second, each once, and none that is empty', async (t) => {
  const engine = await startFakeRemoteExpert(
    answering(
      '',
      '十',
      '十',
      ...Array.from({ length: 500 }, (_, at) => '十'.repeat(at + 2)),
      final({ text: '十点。' }),
    ),
  );
  t.after(engine.close);
  const began = performance.now();
  const { drafts } = await makeRemote(t).ask(engine.url);
  assert.equal(drafts[0], '十');
  assert.ok(drafts.length <= 2 + (performance.now() - began) / 500, `${drafts.length} drafts`);
});

test('what comes after the final changes nothing, be it another final, an error or nothing at all', async (t) => {
  const engine = await startFakeRemoteExpert(() => {});
  t.after(engine.close);
  const { ask } = makeRemote(t);
  engine.answer = answering(final({ text: '十点。' }), '又', final({ text: '十一点。' }));
  assert.equal((await ask(engine.url)).answer.text, '十点。');
  engine.answer = (call) => {
    begin(call);
    send(call, final({ text: '十点。' }));
    end(call, 13, 'too late');
  };
  assert.equal((await ask(engine.url)).answer.text, '十点。');
  engine.answer = (call) => {
    begin(call);
    send(call, final({ text: '十点。' }));
  };
  assert.equal((await ask(engine.url)).answer.text, '十点。');
  assert.equal(await engine.calls[2]!.closed, 8, 'a call that the engine does not end is cancelled');
});

test('a whole answer is no cancelled call to the engine', async (t) => {
  const engine = await startFakeRemoteExpert((call) => {
    begin(call);
    send(call, final({ text: '十点。' }));
    setTimeout(end, 30, call);
  });
  t.after(engine.close);
  await makeRemote(t).ask(engine.url);
  assert.equal(await engine.calls[0]!.closed, 0);
});

test('a caller that breaks off cancels the call, and gets its own reason and no other answer', async (t) => {
  const engine = await startFakeRemoteExpert((call) => {
    begin(call);
    send(call, '十');
  });
  t.after(engine.close);
  const { stream, reasons } = makeRemote(t);
  const caller = new AbortController();
  const events = stream(engine.url, { signal: caller.signal })[Symbol.asyncIterator]();
  assert.deepEqual((await events.next()).value, { type: 'draft', text: '十' });
  const reason = new Error('not wanted any more');
  setImmediate(() => caller.abort(reason));
  await assert.rejects(events.next(), reason);
  assert.equal(await engine.calls[0]!.closed, 8); // CANCEL
  assert.deepEqual(reasons, []);
});

test('a caller that breaks off while the connection is being made gets its own reason', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { ask, reasons } = makeRemote(t);
  const reason = new Error('not wanted any more');
  const caller = new AbortController();
  server.once('connection', () => caller.abort(reason));
  const { port } = server.address() as { port: number };
  await assert.rejects(ask(`https://127.0.0.1:${port}`, { signal: caller.signal }), reason);
  assert.deepEqual(reasons, []);
});

test('a caller that stops reading cancels the call', async (t) => {
  const engine = await startFakeRemoteExpert((call) => {
    begin(call);
    send(call, '十');
  });
  t.after(engine.close);
  for await (const _ of makeRemote(t).stream(engine.url)) break;
  assert.equal(await engine.calls[0]!.closed, 8);
});

test('close() leaves no connection and ends the calls, which fall back', async (t) => {
  const engine = await startFakeRemoteExpert((call) => {
    begin(call);
    send(call, '十');
  });
  t.after(engine.close);
  const { experts, stream, ask, reasons } = makeRemote(t);
  const events = stream(engine.url)[Symbol.asyncIterator]();
  await events.next();
  experts.close();
  const { value } = await events.next();
  assert.ok(value.type === 'final');
  assertFellBack(value.answer, 'remote: cut stream');
  await until('the connection is gone', () => engine.connections.open === 0, 10_000);
  assertFellBack((await ask(engine.url)).answer, 'remote: closed');
  assert.equal(engine.connections.all, 1);
  assert.equal(reasons.length, 2);
});

test('one connection serves an address, and those used last are kept', async (t) => {
  const engines = await Promise.all(['a', 'b', 'c'].map((text) => startFakeRemoteExpert(answering(final({ text })))));
  t.after(() => Promise.all(engines.map((engine) => engine.close())));
  const { ask } = makeRemote(t, { maxEngines: 2 });
  const [a, b, c] = engines as [(typeof engines)[0], (typeof engines)[0], (typeof engines)[0]];
  for (const engine of [a, b, a, a, c]) await ask(engine.url);
  await until('the one used longest ago is closed', () => b.connections.open === 0, 10_000);
  assert.deepEqual([a.connections.all, a.connections.open, c.connections.open], [1, 1, 1]);
  assert.equal((await ask(b.url)).answer.text, 'b');
});

test('a connection in use is not closed for another', async (t) => {
  const busy = await startFakeRemoteExpert(begin);
  const other = await startFakeRemoteExpert(answering(final({ text: '别的' })));
  t.after(() => Promise.all([busy.close(), other.close()]));
  const { ask } = makeRemote(t, { maxEngines: 1 });
  const asked = ask(busy.url);
  await until('the engine is asked', () => busy.calls.length === 1, 10_000);
  assert.equal((await ask(other.url)).answer.text, '别的');
  send(busy.calls[0]!, final({ text: '十点。' }));
  end(busy.calls[0]!);
  assert.equal((await asked).answer.text, '十点。');
});

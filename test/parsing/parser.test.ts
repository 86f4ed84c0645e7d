import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createParser, type Parser, type ParserOptions } from '../../src/parsing/parser.ts';
import { until } from '../support/until.ts';

const limits: ParserOptions = { workers: 2, timeoutMs: 60_000, memoryMb: 128, maxChars: 100_000, maxPages: 100 };
const program = new URL('./programs/misbehave.ts', import.meta.url);
const never = new AbortController().signal;
const parse = (parser: Parser, text: string, signal = never) => parser.parse(new TextEncoder().encode(text), signal);

describe('the parser', () => {
  for (const [what, reason, timeoutMs] of [
    ['spin', /longer than 0\.5 s/, 500],
    ['hang', /longer than 0\.5 s/, 500],
    ['fill the heap', /more memory/, 60_000],
    ['fill buffers', /more memory/, 60_000],
    ['throw', /RangeError/, 60_000],
    ['reject', /TypeError/, 60_000],
    ['exit', /code 3/, 60_000],
    ['recurse', /RangeError/, 60_000],
  ] as const) {
    test(`a document that makes it ${what} fails alone, with the reason and none of its words`, async () => {
      const parser = createParser({ ...limits, timeoutMs, program });
      const [failed, other] = await Promise.all([parse(parser, what), parse(parser, 'good')]);
      const state = timeoutMs < 60_000 ? 'timedOut' : 'parseFailed';
      assert.ok(failed.kind === 'unreadable', JSON.stringify(failed));
      assert.equal(failed.state, state);
      assert.match(failed.reason, reason);
      assert.doesNotMatch(failed.reason, /secret/);
      assert.deepEqual(other, { kind: 'parsed', fileType: 'TXT', passages: [{ heading: '', text: 'good' }] });
    });
  }

  test('what a library prints goes nowhere', async () => {
    const parser = createParser({ ...limits, program });
    assert.equal((await parse(parser, 'print')).kind, 'parsed');
  });

  test('memory that documents took comes back: eight times 400 MB leave no more than two of them', async () => {
    const parser = createParser({ ...limits, memoryMb: 400, program });
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 8; round++) {
      await parse(parser, round % 2 === 0 ? 'fill buffers' : 'fill the heap');
    }
    const limit = 2 * 400 * 1024 * 1024;
    await until('it is back', () => process.memoryUsage().rss - before < limit, 20_000);
  });

  test('no more documents are parsed at once than there are workers, and each has its turn', async () => {
    const parser = createParser({ ...limits, workers: 1, timeoutMs: 300, program });
    const order: string[] = [];
    const run = async (text: string) => order.push(`${text} ${(await parse(parser, text)).kind}`);
    await Promise.all([run('spin'), run('a'), run('b'), run('hang'), run('c')]);
    assert.deepEqual(order, ['spin unreadable', 'a parsed', 'b parsed', 'hang unreadable', 'c parsed']);
  });

  test('an aborted call ends at once, waiting or running, and gives its turn to the next', async () => {
    const parser = createParser({ ...limits, workers: 1, program });
    const abort = new AbortController();
    const running = assert.rejects(parse(parser, 'spin', abort.signal), /stopping/);
    const waiting = assert.rejects(parse(parser, 'spin', abort.signal), /stopping/);
    const next = parse(parser, 'next');
    abort.abort(new Error('stopping'));
    await Promise.all([running, waiting]);
    assert.equal((await next).kind, 'parsed');
  });

  test('a part of a larger buffer is parsed, and the rest stays usable', async () => {
    const parser = createParser({ ...limits, program });
    const all = new TextEncoder().encode('before-good-after');
    const result = await parser.parse(all.subarray(7, 11), never);
    assert.ok(result.kind === 'parsed' && result.passages[0]?.text === 'good');
    assert.equal(new TextDecoder().decode(all), 'before-good-after');
  });

  test('a thread that does not start is no fault of the document', async () => {
    const missing = new URL('./programs/none.ts', import.meta.url);
    await assert.rejects(parse(createParser({ ...limits, program: missing }), 'good'), /does not start/);
  });
});

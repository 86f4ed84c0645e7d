import { Code, ConnectError } from '@connectrpc/connect';
import type { RunRequest, RunResponse } from '../../../gen/expert/v1/expert_pb.ts';
import type { CallEnd } from '../breaker.ts';
import type { ExpertEvent } from '../expert.ts';
import type { Engine } from './engines.ts';
import { RemoteFailure, toFailure } from './failure.ts';
import { type RemoteAnswer, readFinal, readText } from './read-final.ts';

const draftEveryMs = 500;
/** An engine that sends a draft with each word of a long answer stays below. */
const maxMessages = 20_000;
const maxStreamBytes = 64 * 1024 * 1024;
/** After the final, the end of the stream is waited for so long. */
const closingMs = 300;

export interface EngineCall {
  request: RunRequest;
  /** From the call to the final. */
  timeoutMs: number;
}

/**
 * Asks an engine, unless its circuit is open: gives drafts, then its answer. Throws a RemoteFailure, or the signal's
 * reason. The engine's call is cancelled when the generator is ended early.
 */
export async function* runEngine(
  engine: Engine,
  call: EngineCall,
  signal: AbortSignal,
): AsyncGenerator<ExpertEvent, RemoteAnswer> {
  const leave = engine.breaker.enter();
  if (leave === undefined) throw new RemoteFailure('circuit open', { isEngines: false });
  let end: CallEnd = 'unknown';
  try {
    const answer = yield* readAnswer(engine, call, signal);
    end = 'ok';
    return answer;
  } catch (error) {
    if (error instanceof RemoteFailure && error.isEngines) end = 'failed';
    throw error;
  } finally {
    leave(end);
  }
}

async function* readAnswer(
  { client }: Engine,
  { request, timeoutMs }: EngineCall,
  signal: AbortSignal,
): AsyncGenerator<ExpertEvent, RemoteAnswer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const unwanted = AbortSignal.any([signal, timeout]);
  const stop = new AbortController();
  // With any other reason the engine would be told of an internal error.
  const cancel = () => stop.abort(new ConnectError('the answer is not wanted any more', Code.Canceled));
  unwanted.addEventListener('abort', cancel, { once: true });
  if (unwanted.aborted) cancel();
  let hasBegun = false;
  const responses = client
    .run(request, {
      signal: stop.signal,
      // The client's own time-out would tell the engine of an internal error, and outlive a call that is broken off.
      headers: { 'grpc-timeout': `${timeoutMs}m` },
      onHeader: () => {
        hasBegun = true;
      },
    })
    [Symbol.asyncIterator]();
  const count = createCounter();
  let nextDraftMs = 0;
  let shown = '';
  try {
    for (;;) {
      const { done, value } = await responses.next();
      if (done) throw new RemoteFailure('no final');
      count(value);
      const { event } = value;
      if (event.case === 'final') {
        const answer = readFinal(event.value, request.passages.length);
        await hearEnd(responses);
        signal.throwIfAborted();
        return answer;
      }
      // What this version does not know is no reason to give the answer up.
      if (event.case !== 'draft') continue;
      const text = readText(event.value.text);
      if (text === '' || text === shown || performance.now() < nextDraftMs) continue;
      shown = text;
      nextDraftMs = performance.now() + draftEveryMs;
      yield { type: 'draft', text };
    }
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) throw new RemoteFailure('deadline');
    throw toFailure(error, hasBegun);
  } finally {
    unwanted.removeEventListener('abort', cancel);
    cancel();
  }
}

/** Throws a RemoteFailure when the stream has become longer than any answer needs. */
function createCounter(): (response: RunResponse) => void {
  let messages = 0;
  let bytes = 0;
  return ({ event, $unknown }) => {
    messages += 1;
    if (event.case === 'draft' || event.case === 'final') bytes += Buffer.byteLength(event.value.text);
    for (const { data } of $unknown ?? []) bytes += data.length;
    if (messages > maxMessages || bytes > maxStreamBytes) throw new RemoteFailure('too long', { isEngines: false });
  };
}

/**
 * Gives the engine a moment to end the call by itself, so that it does not take each answer for a cancelled one. What
 * comes, or breaks, after the final takes nothing from it.
 */
async function hearEnd(responses: AsyncIterator<RunResponse>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, closingMs);
  });
  await Promise.race([responses.next().catch(() => {}), enough]);
  clearTimeout(timer);
}

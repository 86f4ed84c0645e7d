/**
 * Documents are parsed in a thread of their own, one thread to a document, so that nothing that a document does outlives
 * it and all of its memory comes back. A thread is stopped when it takes too long or too much memory: its heap is
 * bounded by V8, which knows nothing of buffers (what a compressed stream unpacks to), so these are looked at while it
 * runs. How many run at once is bounded as well.
 */
import { Worker } from 'node:worker_threads';
import type { FileType } from './block.ts';
import type { DocumentLimits } from './parse-document.ts';
import type { ParseAnswer, ParseJob } from './parse-worker.ts';
import type { Passage } from './split-passages.ts';

/** Changes with every change of what a document is read as: with another version a file that is sent again is read. */
export const parserVersion = 1;

/** A document as it was read. */
export interface ParsedDocument {
  kind: 'parsed';
  fileType: FileType;
  passages: Passage[];
}

/** Why there is none: the state that says so, and the reason for operators. */
export interface UnreadDocument {
  kind: 'unreadable';
  state: 'parseFailed' | 'timedOut' | 'noText';
  reason: string;
}

export interface Parser {
  /** Parses a document when it is its turn; its bytes are handed over. Rejects when the signal is aborted or no thread starts. */
  parse(bytes: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<ParsedDocument | UnreadDocument>;
}

export interface ParserOptions extends DocumentLimits {
  /** How many documents are parsed at once. */
  workers: number;
  timeoutMs: number;
  /** Heap and buffers of one document. */
  memoryMb: number;
  /** The thread's program; tests put one there that misbehaves. */
  program?: URL;
}

const memoryCheckMs = 50;

// dist/ has the same files under the other ending.
const ownProgram = new URL(`./parse-worker${import.meta.url.slice(-3)}`, import.meta.url);

export function createParser(options: ParserOptions): Parser {
  const { workers, program = ownProgram } = options;
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    async parse(bytes, signal) {
      while (running >= workers && !signal.aborted) await waitForTurn(waiting, signal);
      signal.throwIfAborted();
      running += 1;
      try {
        return await parseInThread(program, bytes, options, signal);
      } finally {
        running -= 1;
        waiting.shift()?.();
      }
    },
  };
}

/** Waits until a document is done, or the signal is aborted. */
function waitForTurn(waiting: (() => void)[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      signal.removeEventListener('abort', go);
      const at = waiting.indexOf(go);
      if (at >= 0) waiting.splice(at, 1);
      resolve();
    };
    waiting.push(go);
    signal.addEventListener('abort', go);
    if (signal.aborted) go();
  });
}

async function parseInThread(
  program: URL,
  bytes: Uint8Array<ArrayBuffer>,
  options: ParserOptions,
  signal: AbortSignal,
): Promise<ParsedDocument | UnreadDocument> {
  const { memoryMb, timeoutMs, maxChars, maxPages } = options;
  // Only a whole buffer can be handed over; a small one may lie in a pool that others use.
  const whole = bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
  const hasStarted = new Int32Array(new SharedArrayBuffer(4));
  const workerData: ParseJob = { bytes: whole, limits: { maxChars, maxPages }, hasStarted };
  const worker = new Worker(program, {
    workerData,
    transferList: [whole.buffer],
    env: {},
    stdin: false,
    stdout: true, // what a library prints is nobody's business, and may quote the document
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 64, stackSizeMb: 4 },
  });
  worker.stdout.resume();
  worker.stderr.resume();
  const ending = new AbortController();
  try {
    return await Promise.race([
      answerOf(worker, hasStarted),
      excess(worker, memoryMb, ending.signal),
      afterMs(timeoutMs, ending.signal),
      abortOf(signal, ending.signal),
    ]);
  } finally {
    ending.abort();
    await worker.terminate();
  }
}

/** `hasStarted` is set by the thread; a message that says so could come behind the error that ends it. */
function answerOf(worker: Worker, hasStarted: Int32Array): Promise<ParsedDocument | UnreadDocument> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => {
      if (Atomics.load(hasStarted, 0) === 1) resolve(failed(reason));
      else reject(new Error(`the parser does not start: ${reason}`));
    };
    worker.once('message', (answer: ParseAnswer) => resolve(toResult(answer)));
    worker.once('messageerror', () => fail('its text could not be handed over'));
    worker.once('error', (error) => fail(crashReason(error)));
    worker.once('exit', (code) => fail(`reading it ended the parser with code ${code}`));
  });
}

function toResult(answer: ParseAnswer): ParsedDocument | UnreadDocument {
  if (!('unreadable' in answer)) return { kind: 'parsed', ...answer };
  const state = answer.unreadable === 'noText' ? 'noText' : 'parseFailed';
  return { kind: 'unreadable', state, reason: answer.reason };
}

function crashReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return 'reading it takes more memory than a document may take';
  return `reading it ended with ${error instanceof Error ? error.name : 'an error'}`;
}

function failed(reason: string): UnreadDocument {
  return { kind: 'unreadable', state: 'parseFailed', reason };
}

/** Resolves when the thread holds more memory than a document may take. */
function excess(worker: Worker, memoryMb: number, ending: AbortSignal): Promise<UnreadDocument> {
  return new Promise((resolve) => {
    const timer = setInterval(async () => {
      const statistics = await worker.getHeapStatistics().catch(() => undefined); // it may have ended
      if (statistics === undefined) return;
      const { used_heap_size: heap, external_memory: buffers } = statistics;
      if (heap + buffers > memoryMb * 1024 * 1024) {
        resolve(failed('reading it takes more memory than a document may take'));
      }
    }, memoryCheckMs);
    ending.addEventListener('abort', () => clearInterval(timer));
  });
}

function afterMs(timeoutMs: number, ending: AbortSignal): Promise<UnreadDocument> {
  return new Promise((resolve) => {
    const reason = `reading it takes longer than ${timeoutMs / 1000} s`;
    const timer = setTimeout(() => resolve({ kind: 'unreadable', state: 'timedOut', reason }), timeoutMs);
    ending.addEventListener('abort', () => clearTimeout(timer));
  });
}

function abortOf(signal: AbortSignal, ending: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    ending.addEventListener('abort', () => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) onAbort();
  });
}

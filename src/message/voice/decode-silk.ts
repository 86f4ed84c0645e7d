import { Worker } from 'node:worker_threads';

export interface SilkJob {
  bytes: Uint8Array;
}

export const silkSampleRate = 24_000;

/** A fifth of a second: less is no utterance, but what a decoder makes of a broken recording. */
const leastBytes = (2 * silkSampleRate) / 5;

const timeoutMs = 10_000;
const memoryMb = 256;

// dist/ has the same files under the other ending.
const program = new URL(`./silk-worker${import.meta.url.slice(-3)}`, import.meta.url);

/**
 * Decodes a SILK recording into samples of 16 bits at 24 kHz, in a thread of its own: the bytes come from outside, and
 * what decodes them is not made for hostile ones. Undefined: it is none, or takes too long.
 */
export async function decodeSilk(bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const workerData: SilkJob = { bytes };
  const worker = new Worker(program, {
    workerData,
    env: {},
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
  });
  worker.stdout.resume();
  worker.stderr.resume();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    return await new Promise((resolve) => {
      worker.once('message', (samples: Uint8Array) => resolve(samples.length < leastBytes ? undefined : samples));
      worker.once('error', () => resolve(undefined));
      worker.once('exit', () => resolve(undefined));
      limit.addEventListener('abort', () => resolve(undefined));
    });
  } finally {
    await worker.terminate();
  }
}

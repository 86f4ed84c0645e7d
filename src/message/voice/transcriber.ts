import OpenAI from 'openai';
import { CallError } from '../../errors.ts';
import type { SoundFile } from './to-sound-file.ts';

export interface TranscriberOptions {
  /** An OpenAI-compatible endpoint. */
  baseUrl: string;
  apiKey: string | undefined;
  model: string;
  timeoutMs: number;
}

/** Writes down what is said; '' where nothing is. Throws a CallError. */
export type Transcribe = (file: SoundFile, signal: AbortSignal) => Promise<string>;

/** A question is not longer: the rest is left out. */
const maxChars = 2000;

/** Makes a client for the endpoint's /audio/transcriptions. */
export function createTranscriber({ baseUrl, apiKey, model, timeoutMs }: TranscriberOptions): Transcribe {
  const client = new OpenAI({ baseURL: baseUrl, apiKey: apiKey ?? 'none', maxRetries: 1, timeout: timeoutMs });
  return async ({ name, bytes }, signal) => {
    try {
      const file = new File([bytes], name);
      const { text } = await client.audio.transcriptions.create({ file, model }, { signal });
      return typeof text === 'string' ? [...text.trim()].slice(0, maxChars).join('') : '';
    } catch (error) {
      // The text of the endpoint's errors may hold what it was sent.
      const status = error instanceof OpenAI.APIError ? error.status : undefined;
      throw new CallError(`transcription failed${status === undefined ? '' : `: HTTP ${status}`}`, { status });
    }
  };
}

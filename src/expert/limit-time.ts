import type { Expert } from './expert.ts';

/** The expert, given so long for an answer: then it is told to stop, and what it throws is the TimeoutError. */
export function limitTime(expert: Expert, timeoutMs: number): Expert {
  return {
    name: expert.name,
    async *answer(question, search, signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      for await (const event of expert.answer(question, search, limit)) {
        limit.throwIfAborted();
        yield event;
      }
    },
  };
}

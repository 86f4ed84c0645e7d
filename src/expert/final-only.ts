import type { Expert } from './expert.ts';

/** The expert without its drafts, for those who show none. */
export function finalOnly(expert: Expert): Expert {
  return {
    name: expert.name,
    async *answer(question, search, signal) {
      for await (const event of expert.answer(question, search, signal)) if (event.type === 'final') yield event;
    },
  };
}

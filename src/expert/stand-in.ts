import type { Answer, Expert, ExpertEvent, Question, Search } from './expert.ts';

/**
 * The answer of the expert that stands in for one that failed, with what is to be added to its trace. Without drafts:
 * they would follow those of another answer.
 */
export async function* standIn(
  fallback: Expert,
  { question, search, signal }: { question: Question; search: Search; signal: AbortSignal },
  added: Partial<Answer['trace']> & { fellBack: string },
): AsyncGenerator<ExpertEvent> {
  for await (const event of fallback.answer(question, search, signal)) {
    if (event.type === 'draft') continue;
    yield { type: 'final', answer: { ...event.answer, trace: { ...event.answer.trace, ...added } } };
    return;
  }
}

import type { Answer, Expert, ExpertEvent, Found, Question, Search } from '../expert/expert.ts';
import { type DraftPart, findDraftPart } from './draft-part.ts';
import type { Guard } from './guard.ts';

/**
 * The expert, with nothing shown that the guard flags. Drafts grow by whole sentences, each checked together with the
 * end of those before it; while one is checked the expert goes on. The final answer is checked whole, with what its
 * sources are called. What is flagged withholds the answer, also in a draft that the final answer says nothing of: the
 * expert is stopped, and the final is a refusal without text or citations, whose trace has `blockedBy`.
 *
 * A draft that can't be checked is not shown, nor are those after it. Where the final can't be, that throws what the
 * guard throws: nothing is shown unchecked.
 */
export function guardExpert(expert: Expert, guard: Guard): Expert {
  return {
    name: expert.name,
    async *answer(question, search, signal) {
      const stop = new AbortController();
      const either = AbortSignal.any([signal, stop.signal]);
      const watched = watchSearch(search, question);
      const events = expert.answer(question, watched.search, either)[Symbol.asyncIterator]();
      const drafts = createDraftCheck(guard, either);
      let told: Partial<Answer['trace']> = {};
      let next = events.next();
      try {
        for (;;) {
          const judged = drafts.checking && (await Promise.race([drafts.checking, next.then(() => undefined)]));
          if (judged !== undefined) {
            if (judged.flagged !== undefined) {
              yield withhold({ ...watched.trace(), ...told, expert: expert.name }, `draft: ${judged.flagged}`);
              return;
            }
            const text = drafts.goOn(judged);
            if (text !== undefined) yield { type: 'draft', text };
            continue;
          }
          const { done, value: event } = await next;
          if (done) return;
          if (event.type === 'final') {
            yield await checkFinal(guard, event.answer, { checking: drafts.checking, signal: either });
            return;
          }
          told = event.trace ?? told;
          next = events.next();
          drafts.take(event.text);
        }
      } finally {
        stop.abort();
        await Promise.allSettled([next, events.return?.()]);
      }
    },
  };
}

/** How the check of a draft's part ended. One that failed is no judgement. */
interface Judged {
  part: DraftPart;
  flagged?: string | undefined;
  hasFailed?: boolean;
}

/** Checks drafts, one at a time: always the latest. */
function createDraftCheck(guard: Guard, signal: AbortSignal) {
  let latest = '';
  let passed = '';
  let shown = '';
  let isOver = false;

  const judge = async (part: DraftPart): Promise<Judged> => {
    try {
      return { part, flagged: await guard.check(part.text, signal) };
    } catch {
      return { part, hasFailed: true };
    }
  };
  const checkLatest = () => {
    const part = isOver ? undefined : findDraftPart(latest, passed);
    drafts.checking = part && judge(part);
  };
  const drafts = {
    /** Under way; never rejects. */
    checking: undefined as Promise<Judged> | undefined,
    take(draft: string) {
      latest = draft;
      if (drafts.checking === undefined) checkLatest();
    },
    /** After a judgement that flags nothing: goes on to the latest draft. Gives what may be shown now, if it is new. */
    goOn({ part, hasFailed = false }: Judged): string | undefined {
      isOver ||= hasFailed;
      if (!isOver) passed = part.upToHere;
      checkLatest();
      const text = passed.trimEnd();
      if (text === shown || text === '') return undefined;
      shown = text;
      return text;
    },
  };
  return drafts;
}

/** Judges the answer while the last draft is still being judged. */
async function checkFinal(
  guard: Guard,
  answer: Answer,
  { checking, signal }: { checking: Promise<Judged> | undefined; signal: AbortSignal },
): Promise<ExpertEvent> {
  const sources = answer.citations.flatMap(({ title, places }) => [title, ...places.map(({ heading }) => heading)]);
  // Of a refusal nothing is shown.
  const shown = answer.text === '' ? [] : [answer.text, ...sources].filter((text) => text !== '');
  const [flagged, draft] = await Promise.all([guard.checkAll(shown, signal), checking]);
  if (flagged !== undefined) return withhold(answer.trace, `answer: ${flagged.reason}`);
  if (draft?.flagged !== undefined) return withhold(answer.trace, `draft: ${draft.flagged}`);
  return { type: 'final', answer };
}

function withhold(trace: Answer['trace'], blockedBy: string): ExpertEvent {
  const passages = trace.passages.map((passage) => ({ ...passage, cited: false }));
  return {
    type: 'final',
    answer: { text: '', citations: [], refused: true, trace: { ...trace, passages, blockedBy } },
  };
}

/** Keeps what the last search found: an expert that is stopped says nothing of it. */
function watchSearch(search: Search, { text, threshold = 0 }: Question) {
  let last: { searched: string; found: Found } = { searched: text, found: { passages: [], support: 0 } };
  return {
    search: (async (query, limit) => {
      const found = await search(query, limit);
      last = { searched: query, found };
      return found;
    }) satisfies Search as Search,
    /** The threshold is the question's own; 0 where only the expert knows it. */
    trace: (): Omit<Answer['trace'], 'expert'> => {
      const { searched, found } = last;
      const passages = found.passages.map((passage) => ({ ...passage, cited: false }));
      return { searched, support: found.support, threshold, passages };
    },
  };
}

import { loadExpert } from '../assistant/expert-settings.ts';
import { loadSettings, type View } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import type { Answer, Citation, ExpertEvent, Search, Turn } from '../expert/expert.ts';
import { listSearchedBases } from '../knowledge/store.ts';
import { searchPassages } from '../retrieval/search.ts';
import { guardExpert } from '../safety/guard-expert.ts';

/** Why a fixed text stands in place of an answer. */
export type FixedReason = 'still_learning' | 'voice_unsupported' | 'failed' | 'blocked';

/** What a user is to be told, and why. */
export interface Composed {
  text: string;
  citations: Citation[];
  /** What the expert did; undefined where none was asked. */
  trace: Answer['trace'] | undefined;
  refused: boolean;
  fixedText: FixedReason | undefined;
  /** The check that withheld the question or the answer: `question: word list`. */
  blockedBy?: string | undefined;
}

export interface Asked {
  appid: string;
  view: View;
  text: string;
  history: readonly Turn[];
}

/**
 * Asks the expert of one of the assistant's configurations. Ends with what is to be told; before that come the drafts.
 * While nothing has been learned yet, or when the question is flagged, nobody is asked.
 */
export async function* composeAnswer(
  context: Context,
  { appid, view, text, history }: Asked,
  signal: AbortSignal,
): AsyncGenerator<{ draft: string } | { final: Composed }> {
  const { database, chooseExpert, guard, texts } = context;
  const baseNos = await listSearchedBases(database, appid, view);
  if (await hasNothingYet(context, appid, baseNos)) {
    yield { final: fixed(texts.stillLearning, 'still_learning') };
    return;
  }
  const flagged = await guard?.check(text, signal);
  if (flagged !== undefined) {
    yield { final: { ...fixed(texts.blocked, 'blocked'), blockedBy: `question: ${flagged}` } };
    return;
  }
  const { systemPrompt } = await loadSettings(database, appid, view);
  const search: Search = (query, limit) => searchPassages(database, { baseNos, query, limit, signal });
  const settings = await loadExpert(database, appid, view);
  const question = { text, history, instructions: systemPrompt, account: appid, threshold: settings.threshold };
  const chosen = chooseExpert(settings);
  const expert = guard === undefined ? chosen : guardExpert(chosen, guard);
  for await (const event of expert.answer(question, search, signal)) yield toStep(context, event);
}

function toStep({ config, texts }: Context, event: ExpertEvent): { draft: string } | { final: Composed } {
  if (event.type === 'draft') return { draft: event.text };
  const { text, citations, trace } = event.answer;
  if (trace.blockedBy !== undefined) {
    return { final: { ...fixed(texts.blocked, 'blocked'), trace, blockedBy: trace.blockedBy } };
  }
  const refused = event.answer.refused || text.trim() === '';
  if (refused) return { final: { text: texts.refusal, citations: [], trace, refused, fixedText: undefined } };
  const isLabelled = config.LABELLED_EXPERTS.includes(trace.expert);
  const whole = isLabelled ? `${text}\n\n${texts.label}` : text;
  return { final: { text: whole, citations, trace, refused, fixedText: undefined } };
}

/** A text that needs no expert. */
export function fixed(text: string, fixedText: FixedReason): Composed {
  return { text, citations: [], trace: undefined, refused: false, fixedText };
}

/** Whether the first learning is still under way and has brought nothing so far. */
async function hasNothingYet({ database }: Context, appid: string, baseNos: number[]): Promise<boolean> {
  const rows = await database.all(
    `select 1 from learning l join knowledge k on k.knowledge_id = l.knowledge_id
      where l.appid = ? and l.phase = 'first' and k.deleted_at is null`,
    [appid],
  );
  if (rows.length === 0) return false;
  const marks = baseNos.map(() => '?').join(', ');
  const learned = await database.all(
    `select 1 from index_base where base_no in (${marks}) and passages > 0 limit 1`,
    baseNos,
  );
  return learned.length === 0;
}

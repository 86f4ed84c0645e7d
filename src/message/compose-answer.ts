import { loadExpert } from '../assistant/expert-settings.ts';
import { loadSettings, type View } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import type { Answer, Citation, ExpertEvent, Search, Turn } from '../expert/expert.ts';
import { finalOnly } from '../expert/final-only.ts';
import { limitTime } from '../expert/limit-time.ts';
import { listSearchedBases } from '../knowledge/store.ts';
import { searchPassages } from '../retrieval/search.ts';
import { guardExpert } from '../safety/guard-expert.ts';
import { fitTo, type Material } from './attachment/load-material.ts';
import { type AttachmentText, notesOn, sayInstead } from './attachment/without-expert.ts';

/** Why a fixed text stands in place of an answer. */
export type FixedReason = 'still_learning' | 'voice_unsupported' | 'failed' | 'blocked' | 'attachment';

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
  /** Whether anybody sees drafts. Else none are made, and none need to be checked. */
  drafts: boolean;
  /** What came with the question, and how its channel speaks of that. Without it the text is not empty. */
  material?: (Material & { say(name: AttachmentText): Promise<string> }) | undefined;
}

/**
 * Asks the expert of one of the assistant's configurations. Ends with what is to be told; before that come the drafts.
 * While nothing has been learned yet, or when the question is flagged, nobody is asked. The expert has
 * ANSWER_TIMEOUT_MS; what the safety checks need is limited by their own time-outs. Throws a TimeoutError, what an
 * expert or a check throws, or the signal's reason.
 */
export async function* composeAnswer(
  context: Context,
  { appid, view, text, history, drafts, material }: Asked,
  signal: AbortSignal,
): AsyncGenerator<{ draft: string } | { final: Composed }> {
  const { config, database, chooseExpert, guard, texts } = context;
  const settings = await loadExpert(database, appid, view);
  const expert = chooseExpert(settings);
  const fitting = material && { ...fitTo(material, expert.pictureBytes ?? 0), say: material.say };
  const can = { reads: expert.summarises === true, sees: (expert.pictureBytes ?? 0) > 0 };
  const instead = fitting !== undefined && text === '' ? sayInstead(fitting, can) : undefined;
  if (instead !== undefined) {
    yield { final: fixed(await fitting!.say(instead), 'attachment') };
    return;
  }
  const { given = [], quoted = '' } = fitting ?? {};
  const baseNos = await listSearchedBases(database, appid, view);
  if (given.length === 0 && (await hasNothingYet(context, appid, baseNos))) {
    yield { final: fixed(texts.stillLearning, 'still_learning') };
    return;
  }
  const asked = [text, quoted].filter((each) => each !== '').join('\n');
  const flagged = asked === '' ? undefined : await guard?.check(asked, signal);
  if (flagged !== undefined) {
    yield { final: { ...fixed(texts.blocked, 'blocked'), blockedBy: `question: ${flagged}` } };
    return;
  }
  const { systemPrompt } = await loadSettings(database, appid, view);
  const search: Search = (query, limit) => searchPassages(database, { baseNos, query, limit, signal });
  const turns = history.map((turn) => withoutLabel(turn, texts.label));
  const question = {
    ...{ text, history: turns, instructions: systemPrompt, account: appid, threshold: settings.threshold },
    ...{ quoted, attachments: given },
  };
  const limited = limitTime(expert, config.ANSWER_TIMEOUT_MS);
  const told = drafts ? limited : finalOnly(limited);
  const guarded = guard === undefined ? told : guardExpert(told, guard);
  for await (const event of guarded.answer(question, search, signal)) {
    const step = toStep(context, event);
    const isWhole = 'draft' in step || fitting === undefined;
    yield isWhole ? step : { final: await withNotes(step.final, fitting, text !== '') };
  }
}

/** Tells below an answer what it takes no account of; to a message without words that could not be answered, what is. */
async function withNotes(
  composed: Composed,
  material: NonNullable<Asked['material']>,
  hasWords: boolean,
): Promise<Composed> {
  const { fixedText, trace, refused, text } = composed;
  if (fixedText !== undefined) return composed;
  // One that stands in for another has looked at nothing but the files.
  const isBlind = trace?.fellBack !== undefined || trace?.sawPictures === false;
  const seen = isBlind ? fitTo(material, 0) : material;
  if (refused && !hasWords) {
    const instead = sayInstead(fitTo(material, 0), { reads: false, sees: false });
    return fixed(await material.say(instead ?? 'fileUnreadable'), 'attachment');
  }
  const notes = await Promise.all(notesOn(seen).map((name) => material.say(name)));
  return { ...composed, text: [text, ...notes].join('\n\n') };
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
  const whole = isLabelled ? text + labelEnd(texts.label) : text;
  return { final: { text: whole, citations, trace, refused, fixedText: undefined } };
}

/** How a labelled answer ends. */
export const labelEnd = (label: string) => `\n\n${label}`;

/** A turn as it was answered: an expert that read its own label would write it, too. */
function withoutLabel(turn: Turn, label: string): Turn {
  const end = labelEnd(label);
  if (turn.speaker !== 'assistant' || !turn.content.endsWith(end)) return turn;
  return { ...turn, content: turn.content.slice(0, -end.length) };
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

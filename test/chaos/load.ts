/** Users who ask without an end until they are told to stop, and the reckoning afterwards. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../support/random.ts';
import { startAsking } from './ask.ts';
import { appid, type Field, untilDone, waitText } from './field.ts';
import { type Asked, type Blow, type Tally, tallyUp } from './tally.ts';

export interface Load {
  /** What was acknowledged, and when, by performance.now(). */
  asked: (Asked & { atMs: number })[];
  /** Nobody asks any more once it has resolved. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  field: Field;
  random: Random;
  conversations: number;
  /** A user waits for an answer when so many of his questions have none. */
  unanswered?: number;
  /** Whom to ask; absent: all that serve. */
  urls?(): string[];
}

export function startLoad({ field, random, conversations, unanswered = 8, urls }: LoadOptions): Load {
  const over = new AbortController();
  const asked: Load['asked'] = [];
  const answered = new Map<string, Set<string>>();
  let seen = 0;
  const countAnswered = (openid: string) => {
    const { arrivals } = field.receiver;
    for (; seen < arrivals.length; seen++) {
      const arrival = arrivals[seen]!;
      const had = answered.get(arrival.openid) ?? new Set();
      answered.set(arrival.openid, had.add(arrival.msgid));
    }
    return answered.get(openid)?.size ?? 0;
  };
  const { done } = startAsking({
    random,
    appid,
    conversations,
    questions: Number.MAX_SAFE_INTEGER,
    urls: urls ?? field.urls,
    signal: over.signal,
    onAsked: (question) => asked.push({ ...question, atMs: performance.now() }),
    pace: async (openid, acknowledged) => {
      while (acknowledged - countAnswered(openid) > unanswered) await sleep(40, undefined, { signal: over.signal });
    },
  });
  return {
    asked,
    async stop() {
      over.abort();
      await done.catch(() => {});
    },
  };
}

/** Waits until nothing is pending, ends the replicas, and draws up the figures. */
export async function reckon(
  field: Field,
  asked: readonly Asked[],
  { excuses }: { excuses(blow: Blow): boolean } = { excuses: () => true },
): Promise<{ tally: Tally; broken: string[] }> {
  const broken: string[] = [];
  const isSettled = async () => (await field.count()).pending === 0;
  await untilDone('draining', () => field.receiver.arrivals.length, isSettled).catch((error) =>
    broken.push(error.message),
  );
  const { dead } = await field.count();
  const blows = [...field.blows, ...(await field.stalls.list(field.database))].filter(excuses);
  broken.push(...(await field.end()));
  return { tally: tallyUp(asked, field.receiver.arrivals, { blows, dead, waitText }), broken };
}

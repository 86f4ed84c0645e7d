/** Users who ask over HTTP, each in a conversation of its own, and repeat until they are told that it was accepted. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../support/random.ts';
import { article, post } from '../support/service.ts';
import type { Asked } from './tally.ts';

/** What there is to be asked about. */
export const articles = Array.from({ length: 30 }, (_, index) =>
  article(`k${index}`, `第${100 + index}号展柜里放着编号${5000 + index}的青铜铃铛，每逢周末开放参观。`),
);

export interface AskOptions {
  random: Random;
  appid: string;
  conversations: number;
  /** In each conversation. */
  questions: number;
  /** Another question at this place, and what its answer must say; absent or undefined: one about the articles. */
  content?(openid: string, index: number): { text: string; expected: string } | undefined;
  /** The addresses that serve now. */
  urls(): string[];
  signal: AbortSignal;
  /** Told of each that was acknowledged. */
  onAsked(asked: Asked): void;
  /** Waits before the next question of a conversation of which so many are acknowledged. */
  pace?(openid: string, acknowledged: number): Promise<void>;
}

export interface Asking {
  /** Resolves when all have asked all. */
  done: Promise<void>;
  /** How often a question had to be asked again, by why: what the service said, or that it could not be reached. */
  repeats: Map<string, number>;
}

/** Starts all conversations at once; within each, the next question comes only after the one before was accepted. */
export function startAsking(options: AskOptions): Asking {
  const { random, appid, conversations, questions, urls, signal, onAsked } = options;
  const asking: Asking = { done: Promise.resolve(), repeats: new Map() };
  const converse = async (openid: string) => {
    for (let index = 0; index < questions; index++) {
      const cabinet = random.below(articles.length);
      const msgid = `${openid}-${index}`;
      const usual = { text: `第${100 + cabinet}号展柜里放着什么？`, expected: String(5000 + cabinet) };
      const { text, expected } = options.content?.(openid, index) ?? usual;
      const message = { appid, openid, msgid, msg_type: 'text', text: { content: text } };
      while (!(await isAccepted(message))) {}
      onAsked({ msgid, openid, index, expected });
      await options.pace?.(openid, index + 1);
    }
  };
  const isAccepted = async (message: unknown) => {
    signal.throwIfAborted();
    const serving = urls();
    const why =
      serving.length === 0 ? 'nobody there' : await refusal(random.pick(serving), message).catch(() => 'cut off');
    if (why === undefined) return true;
    asking.repeats.set(why, (asking.repeats.get(why) ?? 0) + 1);
    await sleep(50 + random.below(100), undefined, { signal });
    return false;
  };
  asking.done = Promise.all(Array.from({ length: conversations }, (_, index) => converse(`user-${index}`))).then(
    () => {},
  );
  asking.done.catch(() => {});
  return asking;
}

/** Why a question was not accepted; undefined: it was. */
async function refusal(url: string, message: unknown): Promise<string | undefined> {
  const { errcode } = await post(url, '/api/wxmp/message/notify', message);
  return errcode === 0 ? undefined : `errcode ${errcode}`;
}

/** How often questions were asked again, in words. */
export function describeRepeats({ repeats }: Asking): string {
  const counts = [...repeats].map(([why, count]) => `${count} ${why}`);
  return `asked again: ${counts.length === 0 ? 'never' : counts.join(', ')}`;
}

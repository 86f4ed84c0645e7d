/**
 * Shows answers while they grow. Whoever holds a bot's connection knows its open bubbles: those of the messages that came
 * by it, and those that it found when it took the bot over. Once a second it looks at what their streams say by now, for
 * any process may be the one that answers, and sends what has changed as far as the quota allows; a bubble that says
 * nothing new is kept open by saying the same again.
 *
 * Drafts are free: one that fails is dropped. The last word is the dispatch's (senders.ts): while it is being said, and
 * from then on, nothing else of its bubble is sent. A bubble whose time is over is closed with a short text; the answer
 * follows as a message of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CallError } from '../../errors.ts';
import { firstFrame, streamFrame } from '../frames.ts';
import type { Stream } from '../stream-store.ts';
import { Refused } from './errcodes.ts';
import { type LiveBot, type LiveBots, post } from './live-bot.ts';

const lookEveryMs = 1000;

/** WeCom may forget a bubble that says nothing for some minutes. */
const keepAliveMs = 60_000;

/** One that can't be closed is left to WeCom, which closes it itself. */
const closeWithinMs = 4 * 60_000;

/** A bubble that is being filled. */
export interface Bubble {
  streamId: string;
  integrationId: string;
  /** The chat, as the quota counts it. */
  chat: string;
  reqId: string;
}

/** continued: it takes longer; unbound: its assistant is gone; newSession: its user was erased. */
export type LastWords = 'continued' | 'unbound' | 'newSession';

export interface PushOptions {
  bots: LiveBots;
  /** The streams with these ids. */
  load(streamIds: readonly string[]): Promise<Stream[]>;
  /** What a bubble ends with whose answer follows later, or never comes. */
  lastWords(integrationId: string, why: LastWords): Promise<string>;
  /** Notes that a bubble is closed; false: its answer may stand there. */
  seal(streamId: string): Promise<boolean>;
  /** Told of an answer that is to be delivered: it may have been made elsewhere. */
  onFinal(integrationId: string): void;
  onError(error: unknown): void;
}

export interface Pushing {
  /** Begins to fill a bubble, with a first text that is shown at once. */
  open(bubble: Bubble, text: string): void;
  /** Goes on with bubbles that somebody else has opened. */
  resume(bubbles: readonly Bubble[]): void;
  /** Says the last of a bubble while nothing else of it is sent; it is not filled any more if that goes well. */
  finish(streamId: string, say: () => Promise<void>): Promise<void>;
  /** Forgets the bubbles of a bot that is not held any more. */
  forget(integrationId: string): void;
  stop(): Promise<void>;
}

interface Filled extends Bubble {
  /** -1: nothing was sent by us. */
  shownVersion: number;
  shownMs: number;
  /** Something of it was tried to be sent: nothing more is as urgent as the first word. */
  isTried: boolean;
  /** A frame is on its way. */
  isBusy: boolean;
  /** Its last word was begun: no draft follows, whatever became of that. */
  isFinal: boolean;
  isFinishing: boolean;
}

export function startPushing(options: PushOptions): Pushing {
  const { bots, onError } = options;
  const filled = new Map<string, Filled>();
  const sending = new Set<Promise<void>>();
  const stopping = new AbortController();
  let looking: Promise<void> | undefined;

  function add(bubble: Bubble, isTried: boolean): Filled {
    const fresh = { shownVersion: -1, shownMs: performance.now(), isBusy: false, isFinal: false, isFinishing: false };
    const added = filled.get(bubble.streamId) ?? { ...bubble, ...fresh, isTried };
    filled.set(bubble.streamId, added);
    keepLooking();
    return added;
  }

  function keepLooking(): void {
    if (filled.size === 0 || stopping.signal.aborted) return;
    looking ??= lookAgainAndAgain().finally(() => {
      looking = undefined;
      keepLooking();
    });
  }

  async function lookAgainAndAgain(): Promise<void> {
    while (filled.size > 0 && !stopping.signal.aborted) {
      await sleep(lookEveryMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (!stopping.signal.aborted) await look().catch(onError);
    }
  }

  async function look(): Promise<void> {
    for (const [id, { integrationId }] of filled) if (!bots.has(integrationId)) filled.delete(id); // heard at the last
    const bubbles = [...filled.values()].filter((each) => bots.get(each.integrationId)?.connection !== undefined);
    if (bubbles.length === 0) return;
    const streams = new Map((await options.load(bubbles.map((each) => each.streamId))).map((s) => [s.streamId, s]));
    for (const bubble of bubbles) {
      const isOurs = filled.get(bubble.streamId) === bubble; // it may have been finished since it was asked for
      if (!isOurs || bubble.isBusy || bubble.isFinishing) continue;
      start(bubble, (bot) => step(bot, bubble, streams.get(bubble.streamId)));
    }
  }

  /** Does something with a bubble, which has one frame on its way at most. */
  function start(bubble: Filled, work: (bot: LiveBot) => Promise<void>): void {
    const bot = bots.get(bubble.integrationId);
    if (bot === undefined) return;
    bubble.isBusy = true;
    const done = work(bot)
      .catch((error) => {
        const isOver = error instanceof CallError && (error.verdict === 'closed' || error.verdict === 'permanent');
        if (isOver)
          filled.delete(bubble.streamId); // its last word finds out for itself
        else if (!(error instanceof CallError)) onError(error);
      })
      .finally(() => {
        bubble.isBusy = false;
        sending.delete(done);
      });
    sending.add(done);
  }

  async function step(bot: LiveBot, bubble: Filled, stream: Stream | undefined): Promise<void> {
    const { streamId, integrationId } = bubble;
    if (stream === undefined) {
      filled.delete(streamId); // its user was erased; there is one try
      return close(bot, bubble, 'newSession');
    }
    if (stream.state === 'final' && !stream.isClosed) return options.onFinal(integrationId);
    const isOver = stream.state !== 'open' || stream.bubble === 'ending' || stream.closesInMs < -closeWithinMs;
    if (isOver) return void filled.delete(streamId); // what there is to say is a dispatch's
    if (stream.isCancelled || stream.isClosed) {
      if (await options.seal(streamId)) return close(bot, bubble, stream.isCancelled ? 'unbound' : 'continued');
      return;
    }
    if (bubble.isFinal) return;
    const isNew = stream.version !== bubble.shownVersion;
    if (isNew || performance.now() - bubble.shownMs > keepAliveMs) await show(bot, bubble, stream);
  }

  async function show(
    bot: LiveBot,
    bubble: Filled,
    { text, version }: Pick<Stream, 'text' | 'version'>,
  ): Promise<void> {
    const { streamId, reqId, chat } = bubble;
    const kind = bubble.isTried ? 'draft' : 'opening';
    bubble.isTried = true;
    if (bot.quota.take(chat, kind) > 0) return;
    const isFirst = bubble.shownVersion === -1;
    const body = isFirst ? firstFrame(streamId, text) : streamFrame(streamId, text, false);
    bubble.shownMs = performance.now();
    await post(bot, { cmd: 'aibot_respond_msg', reqId, chat, body });
    bubble.shownVersion = version;
  }

  async function close(bot: LiveBot, bubble: Filled, why: LastWords): Promise<void> {
    const { streamId, reqId, chat, integrationId } = bubble;
    const body = streamFrame(streamId, await options.lastWords(integrationId, why), true);
    bot.quota.take(chat, 'answer'); // there is no better time for it
    await post(bot, { cmd: 'aibot_respond_msg', reqId, chat, body });
    filled.delete(streamId);
  }

  return {
    open(bubble, text) {
      const added = add(bubble, false);
      start(added, (bot) => show(bot, added, { text, version: 0 }));
    },
    resume(bubbles) {
      for (const bubble of bubbles) add(bubble, true);
    },
    async finish(streamId, say) {
      const bubble = filled.get(streamId);
      if (bubble !== undefined) Object.assign(bubble, { isFinal: true, isFinishing: true });
      try {
        await say(); // behind a draft that is on its way, since both go by one req_id
        filled.delete(streamId);
      } catch (error) {
        if (!(error instanceof Refused)) filled.delete(streamId); // it may stand there: nothing may replace it
        throw error;
      } finally {
        if (bubble !== undefined) bubble.isFinishing = false;
      }
    },
    forget(integrationId) {
      for (const [id, bubble] of filled) if (bubble.integrationId === integrationId) filled.delete(id);
    },
    async stop() {
      stopping.abort();
      await looking;
      await Promise.all(sending);
    },
  };
}

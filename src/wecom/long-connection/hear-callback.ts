/**
 * What a bot's users say, as it comes over its connection. Nothing that comes can end more than itself: each frame is
 * handled by itself, those of one chat one after another, in the order in which they came.
 */
import { ulid } from 'ulid';
import type { Context } from '../../context.ts';
import { describeError } from '../../errors.ts';
import { acceptMessage } from '../accept-message.ts';
import { answerEvent } from '../answer-event.ts';
import { streamFrame } from '../frames.ts';
import { chatOf, type Inbound, toInbound } from '../inbound.ts';
import type { StatusRecorder } from '../integration/status-recorder.ts';
import { addError } from '../integration/status-store.ts';
import { findIntegration, type Integration } from '../integration/store.ts';
import { textOf } from '../texts.ts';
import type { Callback } from './frame.ts';
import { chatKey, type LiveBot, post } from './live-bot.ts';
import { createOneAtATime } from './one-at-a-time.ts';
import type { Pushing } from './push-drafts.ts';

/** WeCom takes a welcome and a changed card for five seconds; later it takes it ill. */
const eventMs = 4500;

/** So many frames of a bot are handled at once; to a message beyond that it is said that it has to be sent again. */
const maxHandled = 500;

export interface EarOptions {
  context: Context;
  recorder: StatusRecorder;
  pushing: Pushing;
  bot: LiveBot;
  /** Told of what failed. Without anybody's words. */
  onTrouble(reason: string): void;
}

export interface Ear {
  hear(callback: Callback): void;
  /** Resolves when all that was heard is handled. */
  settled(): Promise<void>;
}

export function createEar({ context, recorder, pushing, bot, onTrouble }: EarOptions): Ear {
  const { database, logger } = context;
  const { integrationId } = bot;
  const inTurn = createOneAtATime({ pauseMs: 0, isLost: () => false, maxWaiting: maxHandled });
  const handled = new Set<Promise<void>>();
  let known: Pick<Integration, 'language' | 'texts'> = { language: 'zh', texts: {} };

  async function handle({ reqId, body }: Callback, heardMs: number, onAccepted: () => void): Promise<void> {
    const inbound = toInbound(body);
    recorder.note(integrationId, 'callback');
    const integration = await findIntegration(database, integrationId);
    if (integration === undefined || !integration.enabled) return;
    known = integration;
    if (inbound === undefined) return noteUnknown();
    if (inbound.msgtype === 'event') return answer(integration, inbound, { reqId, heardMs });
    recorder.note(integrationId, 'message');
    const first = await acceptMessage(context, integration, inbound, reqId);
    onAccepted();
    if (first === undefined) return;
    const chat = quotaKeyOf(inbound);
    if ('said' in first) return track(say(reqId, chat, textOf(integration, first.said)));
    const bubble = { streamId: first.streamId, integrationId, chat, reqId: first.reqId };
    if (first.isNew) pushing.open(bubble, first.text);
    else pushing.resume([bubble]); // unless it was finished
  }

  /** Somebody may wait for an answer. */
  async function noteUnknown(): Promise<void> {
    const reason = 'a callback without msgid, msgtype or sender of the forms that we know';
    logger.warn({ integrationId }, reason);
    await database.tx((tx) => addError(tx, integrationId, { code: 40001, what: 'callback', reason }));
  }

  async function say(reqId: string, chat: string, text: string): Promise<void> {
    bot.quota.take(chat, 'answer'); // WeCom may refuse it; there is no later for it
    await post(bot, { cmd: 'aibot_respond_msg', reqId, chat, body: streamFrame(ulid(), text, true) });
  }

  async function answer(
    integration: Integration,
    inbound: Inbound,
    { reqId, heardMs }: { reqId: string; heardMs: number },
  ): Promise<void> {
    const body = await answerEvent(context, integration, inbound);
    if (body === undefined) return;
    if (performance.now() - heardMs > eventMs) throw new Error('an event was answered too late: nothing was sent');
    const isClick = inbound.event?.eventtype === 'template_card_event';
    const cmd = isClick ? 'aibot_respond_update_msg' : 'aibot_respond_welcome_msg';
    const chat = quotaKeyOf(inbound);
    bot.quota.take(chat, 'answer');
    await post(bot, { cmd, reqId, chat, body });
  }

  /** Nothing was stored, and WeCom does not send it again: the user is asked to. */
  async function askAgain({ reqId, body }: Callback): Promise<void> {
    const inbound = toInbound(body);
    if (inbound === undefined || inbound.msgtype === 'event') return;
    await say(reqId, quotaKeyOf(inbound), textOf(known, 'sendAgain'));
  }

  async function handleOrAskAgain(callback: Callback, heardMs: number): Promise<void> {
    let isAccepted = false;
    try {
      await handle(callback, heardMs, () => {
        isAccepted = true;
      });
    } catch (error) {
      if (!isAccepted) track(askAgain(callback));
      throw error;
    }
  }

  /** What nobody waits for: its acknowledgement holds up nothing. */
  function track(work: Promise<void>): void {
    const done = work
      .catch((error) => onTrouble(describeError(error)))
      .finally(() => {
        handled.delete(done);
      });
    handled.add(done);
  }

  return {
    hear(callback) {
      const heardMs = performance.now();
      if (handled.size >= maxHandled) return track(askAgain(callback));
      // An event has no time to wait for messages of its chat.
      const lane = `${callback.kind}:${quotaKeyOf(toInbound(callback.body))}`;
      track(inTurn.run(lane, () => handleOrAskAgain(callback, heardMs)));
    },
    settled: async () => {
      while (handled.size > 0) await Promise.all(handled);
    },
  };
}

/** The chat of what came, as WeCom counts frames. */
function quotaKeyOf(inbound: Inbound | undefined): string {
  const chat = inbound && chatOf(inbound);
  return chat === undefined ? '' : chatKey(chat);
}

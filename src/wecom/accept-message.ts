import { createHash } from 'node:crypto';
import { ulid } from 'ulid';
import { requireHeldAssistant } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import type { Tx } from '../db/tx.ts';
import { countAttachments, insertAttachments } from '../message/attachment/store.ts';
import { isEarlier, wecomChannel } from '../message/channel.ts';
import { addPart, type Window } from '../message/gather.ts';
import { findKnown, insertMessage, type NewMessage, takeMsgid, takeNextIndex } from '../message/store.ts';
import { readWords } from './command.ts';
import { type Chat, chatOf, type Inbound } from './inbound.ts';
import type { Integration } from './integration/store.ts';
import { attachmentsOf, markSurplus, quotedWordsOf, refusalOf, wordsOf } from './media/contents.ts';
import { beginSession, sessionScope, takeSession } from './session.ts';
import { findStreamOf, insertStream, replaceUrl } from './stream-store.ts';
import { type TextName, textOf } from './texts.ts';
import { findTriggerFor } from './trigger/find-trigger-for.ts';
import type { Trigger } from './trigger/store.ts';

/** What is said to a message at once: a stream that goes on, or a text that ends it. */
export type FirstAnswer =
  | { streamId: string; text: string; reqId: string /** False: the message came before. */; isNew: boolean }
  | { said: TextName };

/**
 * Accepts a message of a user in one short transaction: the session is found and locked, the message inserted, unique
 * by the bot and its msgid, with the stream that its answer will be fetched by, and the conversation made due. A message
 * that comes again has the stream that it has. One that follows another within the trigger's window becomes part of that
 * one's question, whose answer goes by the newest response_url. Undefined: nothing is said: it is nobody's, or a part.
 * `reqId` is that of the frame which brought it over a long connection.
 */
export async function acceptMessage(
  context: Context,
  integration: Integration,
  inbound: Inbound,
  reqId = '',
): Promise<FirstAnswer | undefined> {
  const chat = chatOf(inbound);
  if (chat === undefined) return undefined;
  const isGroup = chat.chatId !== '';
  const { startsSession, question } = readWords(wordsOf(inbound), { botName: integration.botName, isGroup });
  const { integrationId } = integration;
  return context.database.tx(async (tx) => {
    const asked = await findTriggerFor(tx, integrationId, chat.userId);
    if ('said' in asked) return asked;
    const { trigger } = asked;
    const { incarnation } = await requireHeldAssistant(tx, trigger.appid);
    const message = toMessage(trigger, chat, inbound, question);
    const known = await findKnown(tx, message);
    if (known !== undefined && isEarlier(known.scopeKey, incarnation)) await takeMsgid(tx, known.messageId);
    else if (known !== undefined) return answerAgain(context, tx, known.messageId);
    const held = { ...trigger, incarnation };
    tx.afterCommit(context.wake.messages);
    const attachments = attachmentsOf(inbound);
    const isAsked = question !== '' || attachments.some(({ origin }) => origin === 'own');
    if (startsSession && !isAsked) {
      await beginSession(tx, held, chat, inbound.msgid);
      return { said: 'newSession' };
    }
    const session = await takeSession(tx, held, chat, startsSession);
    if (!isAsked) return { said: refusalOf(inbound) };
    const at = await takeNextIndex(tx, { appid: trigger.appid, scopeKey: sessionScope(incarnation, session) });
    tx.afterCommit(() => {
      context.metrics.messages.inc({ event: 'accepted' });
      context.reached('message.accepted');
    });
    const joined = await addPart(tx, at, message, windowOf(trigger));
    const messageId = joined ?? (await insertMessage(tx, at, message));
    const place = { messageId, conversationId: at.conversationId, integrationId };
    const taken = joined === undefined ? 0 : await countAttachments(tx, joined);
    await insertAttachments(tx, context.sealer, { ...place, appid: trigger.appid }, markSurplus(attachments, taken));
    if (attachments.length > 0) tx.afterCommit(context.wake.attachments);
    if (joined !== undefined) return takeUrl(context, tx, joined, inbound);
    return openBubble(context, tx, { ...place, ...chat, reqId, text: textOf(integration, 'thinking') }, inbound);
  });
}

/** The stream of a message that was accepted before. */
async function answerAgain(context: Context, tx: Tx, messageId: string): Promise<FirstAnswer | undefined> {
  tx.afterCommit(() => {
    context.metrics.messages.inc({ event: 'repeated' });
    context.wake.messages(); // the commit before may have taken effect unseen
  });
  const stream = await findStreamOf(tx, messageId);
  return stream && { streamId: stream.streamId, text: stream.text, reqId: stream.reqId, isNew: false };
}

/** The stream of a new question. */
async function openBubble(
  { sealer }: Context,
  tx: Tx,
  stream: Omit<Parameters<typeof insertStream>[1], 'streamId' | 'sealedUrl'>,
  { response_url: url }: Inbound,
): Promise<FirstAnswer> {
  const streamId = ulid();
  const sealedUrl = url === undefined ? '' : sealer.seal(url, `stream:${streamId}`);
  await insertStream(tx, { ...stream, streamId, sealedUrl });
  return { streamId, text: stream.text, reqId: stream.reqId, isNew: true };
}

/** A question's newest part brings the response_url that lives the longest. */
async function takeUrl({ sealer }: Context, tx: Tx, questionId: string, { response_url: url }: Inbound) {
  const stream = url === undefined ? undefined : await findStreamOf(tx, questionId);
  if (url !== undefined && stream !== undefined) {
    await replaceUrl(tx, stream.streamId, sealer.seal(url, `stream:${stream.streamId}`));
  }
  return undefined;
}

function windowOf({ summaryWindowSeconds, maxWaitSeconds }: Trigger): Window {
  return { windowMs: summaryWindowSeconds * 1000, maxWaitMs: maxWaitSeconds * 1000 };
}

function toMessage(trigger: Trigger, { userId }: Chat, inbound: Inbound, question: string) {
  const { windowMs, maxWaitMs } = windowOf(trigger);
  return {
    ...{ appid: trigger.appid, msgid: inbound.msgid, openid: userId, content: question },
    ...{ msgType: kindOf(inbound), quoted: quotedWordsOf(inbound) },
    ...{ mediaId: null, mediaFormat: null, channel: wecomChannel(trigger.integrationId) },
    payloadHash: createHash('sha256').update(question).digest('hex'),
    gathersMs: windowMs === 0 ? undefined : Math.min(windowMs, maxWaitMs),
  } satisfies NewMessage;
}

/** What operators see of it. A recording comes as WeCom's transcript, so it is a text like any other. */
const kindOf = ({ msgtype }: Inbound) => (['image', 'file', 'mixed'].includes(msgtype) ? msgtype : 'text');

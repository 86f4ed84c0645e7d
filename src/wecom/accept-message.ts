import { createHash } from 'node:crypto';
import { ulid } from 'ulid';
import { requireHeldAssistant } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import type { Tx } from '../db/tx.ts';
import { insertAttachments } from '../message/attachment/store.ts';
import { isEarlier, wecomChannel } from '../message/channel.ts';
import { findKnown, insertMessage, takeMsgid, takeNextIndex } from '../message/store.ts';
import { readWords } from './command.ts';
import { chatOf, type Inbound } from './inbound.ts';
import type { Integration } from './integration/store.ts';
import { attachmentsOf, quotedWordsOf, refusalOf, wordsOf } from './media/contents.ts';
import { sessionScope, takeSession } from './session.ts';
import { findStreamOf, insertStream } from './stream-store.ts';
import { type TextName, textOf } from './texts.ts';
import { findTrigger } from './trigger/store.ts';

/** What is said to a message at once: a stream that goes on, or a text that ends it. */
export type FirstAnswer = { streamId: string; text: string } | { said: TextName };

/**
 * Accepts a message of a user in one short transaction: the session is found and locked, the message inserted, unique
 * by the bot and its msgid, with the stream that its answer will be fetched by, and the conversation made due. A message
 * that comes again has the stream that it has. Undefined: it is nobody's, and nothing is said.
 */
export async function acceptMessage(
  context: Context,
  integration: Integration,
  inbound: Inbound,
): Promise<FirstAnswer | undefined> {
  const chat = chatOf(inbound);
  if (chat === undefined) return undefined;
  const isGroup = chat.chatId !== '';
  const { startsSession, question } = readWords(wordsOf(inbound), { botName: integration.botName, isGroup });
  const { database, sealer, wake } = context;
  const { integrationId } = integration;
  return database.tx(async (tx) => {
    const trigger = await findTrigger(tx, integrationId);
    if (trigger === undefined || !trigger.enabled) return { said: 'unbound' };
    if (trigger.allowUsers.length > 0 && !trigger.allowUsers.includes(chat.userId)) return { said: 'notAllowed' };
    const { incarnation } = await requireHeldAssistant(tx, trigger.appid);
    const message = toMessage(trigger.appid, integrationId, {
      ...{ msgid: inbound.msgid, question, userId: chat.userId, quoted: quotedWordsOf(inbound) },
    });
    const known = await findKnown(tx, message);
    if (known !== undefined && isEarlier(known.scopeKey, incarnation)) await takeMsgid(tx, known.messageId);
    else if (known !== undefined) return answerAgain(tx, known.messageId);
    const session = await takeSession(tx, trigger, chat, startsSession);
    const attachments = attachmentsOf(inbound);
    const isAsked = question !== '' || attachments.some(({ origin }) => origin === 'own');
    if (!isAsked) return { said: startsSession ? 'newSession' : refusalOf(inbound) };
    const at = await takeNextIndex(tx, { appid: trigger.appid, scopeKey: sessionScope(incarnation, session) });
    const messageId = await insertMessage(tx, at, message);
    const attachedTo = { messageId, conversationId: at.conversationId, appid: trigger.appid, integrationId };
    await insertAttachments(tx, sealer, attachedTo, attachments);
    if (attachments.length > 0) tx.afterCommit(wake.attachments);
    const streamId = ulid();
    const text = textOf(integration, 'thinking');
    const url = inbound.response_url;
    await insertStream(tx, {
      ...{ streamId, messageId, conversationId: at.conversationId, integrationId, ...chat, text },
      sealedUrl: url === undefined ? '' : sealer.seal(url, `stream:${streamId}`),
    });
    tx.afterCommit(wake.messages);
    return { streamId, text };
  });
}

/** The stream of a message that was accepted before. */
async function answerAgain(tx: Tx, messageId: string): Promise<FirstAnswer | undefined> {
  const stream = await findStreamOf(tx, messageId);
  return stream && { streamId: stream.streamId, text: stream.text };
}

function toMessage(
  appid: string,
  integrationId: string,
  { msgid, question, userId, quoted }: { msgid: string; question: string; userId: string; quoted: string },
) {
  return {
    ...{ appid, msgid, openid: userId, msgType: 'text', content: question, mediaId: null, mediaFormat: null },
    quoted,
    channel: wecomChannel(integrationId),
    payloadHash: createHash('sha256').update(question).digest('hex'),
  };
}

import type { Context } from '../context.ts';
import { type FeedbackType, saveFeedback } from './feedback-store.ts';
import { chatOf, type Inbound } from './inbound.ts';
import type { Integration } from './integration/store.ts';
import { findStream } from './stream-store.ts';

/**
 * Keeps what a user thinks of an answer of this bot in this chat; all else has no effect. In a group others may judge,
 * too; but only the asker's own words are kept, since they go when that user is erased.
 */
export async function noteFeedback(
  { database }: Context,
  { integrationId }: Integration,
  inbound: Inbound,
): Promise<void> {
  const feedback = inbound.event?.feedback_event;
  const chat = chatOf(inbound);
  if (feedback === undefined || chat === undefined || ![1, 2, 3].includes(feedback.type)) return;
  const stream = await findStream(database, feedback.id);
  if (stream?.integrationId !== integrationId || stream.chatId !== chat.chatId) return;
  const isAsker = stream.userId === chat.userId;
  if (chat.chatId === '' && !isAsker) return;
  await saveFeedback(database, stream.messageId, {
    type: feedback.type as FeedbackType,
    text: isAsker ? feedback.content : '',
    reasons: feedback.inaccurate_reason_list,
  });
}

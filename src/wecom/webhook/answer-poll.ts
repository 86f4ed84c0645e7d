import type { Context } from '../../context.ts';
import { settleFetched } from '../../dispatch/settle-elsewhere.ts';
import { newSessionCard, newTaskId } from '../cards/new-session-card.ts';
import { cutToBytes, maxContentBytes } from '../content.ts';
import { lastFrameWithCard, streamFrame } from '../frames.ts';
import { chatOf, type Inbound } from '../inbound.ts';
import type { Integration } from '../integration/store.ts';
import { responseKey } from '../response-dispatch.ts';
import { findStream, notePoll, type Stream, takeFetched } from '../stream-store.ts';
import { type TextName, textOf } from '../texts.ts';

/**
 * Tells what a stream says by now. Whoever fetches the whole answer settles its delivery in the same transaction; a
 * repeat of that poll gets the same; what doesn't fit follows as a message of its own. After its time the stream ends: with
 * the promise of more, where the response_url can keep it, for every poll from then on.
 */
export async function answerPoll(context: Context, integration: Integration, inbound: Inbound): Promise<object> {
  const { database } = context;
  const streamId = inbound.stream?.id ?? '';
  const stream = await findStream(database, streamId);
  if (stream === undefined || !isTheirs(stream, integration, inbound)) {
    return streamFrame(streamId, textOf(integration, 'sendAgain'), true);
  }
  const { isClosed, hasUrl, state } = stream;
  const say = (name: TextName) => streamFrame(streamId, textOf(integration, name, context.config), true);
  if (isClosed && hasUrl && (state === 'open' || state === 'final')) return say('continued');
  if (state === 'open') {
    if (stream.isCancelled) return say('unbound');
    if (isClosed) return say('failed');
    await notePoll(database, streamId);
    return streamFrame(streamId, cutToBytes(stream.text, maxContentBytes).head, false);
  }
  const isFetched = await database.tx(async (tx) => {
    if (!(await takeFetched(tx, streamId))) return false;
    await settleFetched(tx, responseKey(stream.messageId));
    return true;
  });
  if (!isFetched && (await findStream(database, streamId))?.state === 'sent') return say('continued');
  const content = cutToBytes(stream.text, maxContentBytes).head;
  // Once: a card that comes again would be refused, and the text with it.
  if (isFetched && stream.card === 'startOver')
    return lastFrameWithCard(streamId, content, startOver(integration, stream));
  return streamFrame(streamId, content, true);
}

/** Below an answer that failed. */
function startOver(integration: Integration, { streamId }: Stream): object {
  const title = textOf(integration, 'startOver');
  return newSessionCard(integration, { taskId: newTaskId(streamId), title });
}

/** A stream is shown in the chat of its message alone. */
function isTheirs(stream: Stream, { integrationId }: Integration, inbound: Inbound): boolean {
  const chat = chatOf(inbound);
  const { chatId, userId } = stream;
  return stream.integrationId === integrationId && chat?.chatId === chatId && chat.userId === userId;
}

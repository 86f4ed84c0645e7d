import type { Context } from '../../context.ts';
import type { Tx } from '../../db/tx.ts';
import { enqueue, type NewDispatch } from '../../dispatch/enqueue.ts';
import { integrationOf } from '../../message/channel.ts';
import type { RepliedTo } from '../../message/reply-channel.ts';
import { laneOf } from '../../message/reply-dispatch.ts';
import { type Answer, layOut, layOutPieces, type Notes } from '../lay-out.ts';
import { listImages } from '../markdown/index.ts';
import { connectionKinds, type PiecePayload, pieceKey } from '../response-dispatch.ts';
import { finishStream, type Stream } from '../stream-store.ts';

/** What is said last in a bubble is begun so long before its time is over. */
const closeMarginMs = 5000;

/** Pictures of one answer, and how long is tried to send one: its link is in the text. */
const maxImages = 3;
const imageMs = 60_000;

const hourMs = 60 * 60 * 1000;

export interface Said {
  stream: Stream;
  answer: Answer;
  notes: Notes;
  /** See Stream. */
  card: string;
  /** The answer as it was written. */
  markdown: string;
}

/**
 * Enqueues an answer for whoever holds the bot's connection: the first piece ends its bubble, while that is open, or goes as
 * a message of its own, like the rest; then a card and pictures, where there are some. In the transaction that commits it.
 */
export async function enqueuePieces(
  { config }: Pick<Context, 'config'>,
  tx: Tx,
  { messageId, conversationId, appid, channel }: RepliedTo,
  { stream, answer, notes, card, markdown }: Said,
): Promise<void> {
  const integrationId = integrationOf(channel)!;
  const { streamId } = stream;
  const windowMs = config.REPLY_WINDOW_HOURS * hourMs;
  const add = (part: string, kind: string, payload: PiecePayload, more: Partial<NewDispatch> = {}) =>
    enqueue(tx, {
      ...{ laneId: laneOf(conversationId), drainKey: integrationId, dedupeKey: pieceKey(messageId, part) },
      ...{ kind, appid, integrationId, messageId, payload: JSON.stringify(payload), windowMs, ...more },
    });
  const [first, ...rest] = layOutPieces(answer, notes) as [string, ...string[]];
  await finishStream(tx, messageId, { text: first, card });
  const alone = rest.length === 0 ? {} : { alone: layOut(answer, notes, false).alone };
  const openMs = stream.closesInMs - closeMarginMs;
  const send = { kind: connectionKinds.send, payload: { streamId, text: first, ...alone } };
  if (openMs > 0) {
    const fallback = { kind: send.kind, payload: JSON.stringify(send.payload), windowMs };
    await add('1', connectionKinds.stream, { streamId, text: first }, { windowMs: openMs, fallback });
  } else await add('1', send.kind, send.payload);
  for (const [index, text] of rest.entries()) await add(`${index + 2}`, connectionKinds.send, { streamId, text });
  if (card !== '') await add('card', connectionKinds.card, { streamId, text: '' }, { windowMs: hourMs });
  for (const [index, url] of listImages(markdown, maxImages).entries()) {
    await add(`image${index + 1}`, connectionKinds.image, { streamId, text: url }, { windowMs: imageMs });
  }
}

/**
 * The streams of answers. In callback mode WeCom asks any replica again and again for what a stream says by now; over a
 * long connection whoever holds that pushes it. So it is in the database.
 *
 * A stream is `open` while its answer is being made, then `final`: the answer waits to be fetched, or to be sent by the
 * one response_url. Who of the two comes first makes it `fetched` or `sent`, in one UPDATE; the other finds that out. What
 * doesn't fit into the bubble follows one that was `fetched`, and makes it `continued` before the call. Over a long
 * connection `fetched` means that WeCom has taken the answer.
 *
 * There the bubble has a state of its own, which is written before a frame that ends it: `ending` once its last word is being
 * said, so that whoever finds that after a crash puts nothing else there; `closed` once it ends with a short text, for its
 * answer comes too late.
 */
import { marksFor } from '../db/batches.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';

export interface Stream {
  streamId: string;
  messageId: string;
  state: 'open' | 'final' | 'fetched' | 'continued' | 'sent';
  /** All of the text so far. */
  text: string;
  /** Where it belongs: nobody else is shown it. */
  integrationId: string;
  chatId: string;
  userId: string;
  /** Whether WeCom asks no more, or will not in a moment. */
  isClosed: boolean;
  /** How long ago WeCom asked last, or the user. */
  quietMs: number;
  /** Whether it has a response_url. */
  hasUrl: boolean;
  /** The request that it answers over a long connection; empty: it is fetched in callback mode. */
  reqId: string;
  /** Of a long connection. */
  bubble: 'open' | 'ending' | 'closed';
  /** Counts the changes of its text. */
  version: number;
  /** Until WeCom asks no more, or it is to be closed; not above 0 when `isClosed`. */
  closesInMs: number;
  /** The card that goes with the answer; empty: none. */
  card: string;
  ageMs: number;
  /** Whether its message is neither answered nor ever will be: its assistant was deleted. */
  isCancelled: boolean;
}

interface StreamRow {
  reply_id: string;
  message_id: string;
  state: Stream['state'];
  snapshot: string;
  integration_id: string;
  chat_id: string;
  user_id: string;
  is_closed: number;
  quiet_ms: number;
  has_url: number;
  req_id: string;
  bubble: Stream['bubble'];
  version: number;
  closes_in_ms: number;
  card: string;
  age_ms: number;
  message_state: string | null;
}

const streamSql = ({
  dialect,
}: Session) => `select reply_id, message_id, reply.state, snapshot, integration_id, chat_id, user_id,
    case when closes_at <= ${dialect.now} then 1 else 0 end is_closed, ${dialect.now} - polled_at quiet_ms,
    case when route = '' then 0 else 1 end has_url, req_id, bubble, version,
    closes_at - ${dialect.now} closes_in_ms, card, ${dialect.now} - created_at age_ms,
    (select state from message where message.message_id = reply.message_id) message_state from reply`;

function toStream(row: StreamRow): Stream {
  return {
    streamId: row.reply_id,
    messageId: row.message_id,
    state: row.state,
    text: row.snapshot,
    integrationId: row.integration_id,
    chatId: row.chat_id,
    userId: row.user_id,
    isClosed: row.is_closed === 1,
    quietMs: row.quiet_ms,
    hasUrl: row.has_url === 1,
    reqId: row.req_id,
    bubble: row.bubble,
    version: Number(row.version),
    closesInMs: row.closes_in_ms,
    card: row.card,
    ageMs: row.age_ms,
    isCancelled: row.message_state === 'cancelled',
  };
}

/**
 * WeCom asks for six minutes from the user's message on, and takes what is pushed for as long; what is not said by then
 * needs a moment to be said otherwise.
 */
const openMs = 5.5 * 60 * 1000;

export interface NewStream {
  streamId: string;
  messageId: string;
  conversationId: string;
  integrationId: string;
  chatId: string;
  userId: string;
  /** See sealer.ts; empty: there is none. */
  sealedUrl: string;
  /** Of a long connection; empty in callback mode. */
  reqId: string;
  /** What is shown until there is something of the answer. */
  text: string;
}

export async function insertStream(tx: Tx, stream: NewStream): Promise<void> {
  const { now } = tx.dialect;
  await tx.run(
    `insert into reply (reply_id, conversation_id, message_id, route, state, snapshot, closes_at, created_at,
        integration_id, chat_id, user_id, req_id, polled_at)
      values (?, ?, ?, ?, 'open', ?, ${now} + ${openMs}, ${now}, ?, ?, ?, ?, ${now})`,
    [
      ...[stream.streamId, stream.conversationId, stream.messageId, stream.sealedUrl, stream.text],
      ...[stream.integrationId, stream.chatId, stream.userId, stream.reqId],
    ],
  );
}

/** Another response_url, sealed, for an answer that is still being made. By the primary key. */
export async function replaceUrl(tx: Tx, streamId: string, sealedUrl: string): Promise<void> {
  await tx.run("update reply set route = ? where reply_id = ? and state = 'open'", [sealedUrl, streamId]);
}

/** By the primary key. */
export async function findStream(session: Session, streamId: string): Promise<Stream | undefined> {
  const [row] = await session.all<StreamRow>(`${streamSql(session)} where reply_id = ?`, [streamId]);
  return row && toStream(row);
}

/** The stream of a message's answer. By reply_by_message. */
export async function findStreamOf(session: Session, messageId: string): Promise<Stream | undefined> {
  const [row] = await session.all<StreamRow>(`${streamSql(session)} where message_id = ?`, [messageId]);
  return row && toStream(row);
}

/** Notes that WeCom has asked. By the primary key. */
export async function notePoll(session: Session, streamId: string): Promise<void> {
  await session.run(`update reply set polled_at = ${session.dialect.now} where reply_id = ?`, [streamId]);
}

/** Shows a draft of whoever holds the conversation, where the answer isn't there yet. By reply_by_message. */
export async function showDraft(
  session: Session,
  { messageId, leaseToken }: { messageId: string; leaseToken: string },
  text: string,
): Promise<void> {
  await session.run(
    `update reply set snapshot = ?, version = version + 1 where message_id = ? and state = 'open'
      and exists (select 1 from conversation c where c.conversation_id = reply.conversation_id and c.lease_token = ?)`,
    [text, messageId, leaseToken],
  );
}

/** The answer is there. By reply_by_message. */
export async function finishStream(
  tx: Tx,
  messageId: string,
  { text, card }: Pick<Stream, 'text' | 'card'>,
): Promise<void> {
  await tx.run(
    `update reply set snapshot = ?, card = ?, version = version + 1, state = 'final'
      where message_id = ? and state = 'open'`,
    [text, card, messageId],
  );
}

/** Takes a finished answer for whoever fetches it; false: it has gone the other way. By the primary key. */
export async function takeFetched(tx: Tx, streamId: string): Promise<boolean> {
  return (await tx.run("update reply set state = 'fetched' where reply_id = ? and state = 'final'", [streamId])) === 1;
}

/** From what to what the response_url is taken: for the whole answer, or for what follows a bubble. */
const takings = { final: 'sent', fetched: 'continued' } as const;

/**
 * Takes the response_url of a stream in this state; false: another has, or the answer was fetched, or the stream is
 * erased. By value: should the commit take effect unseen, the next attempt finds its own `claim`. By the primary key.
 */
export async function takeUrl(tx: Tx, streamId: string, from: keyof typeof takings, claim: string): Promise<boolean> {
  const taken = await tx.run('update reply set state = ?, claim = ? where reply_id = ? and state = ?', [
    ...[takings[from], claim, streamId, from],
  ]);
  if (taken === 1) return true;
  const own = await tx.all('select 1 from reply where reply_id = ? and state = ? and claim = ?', [
    ...[streamId, takings[from], claim],
  ]);
  return own.length === 1;
}

/** Gives the response_url back to which no call has been made. By the primary key. */
export async function giveUrlBack(
  session: Session,
  streamId: string,
  from: keyof typeof takings,
  claim: string,
): Promise<void> {
  await session.run('update reply set state = ? where reply_id = ? and state = ? and claim = ?', [
    ...[from, streamId, takings[from], claim],
  ]);
}

/** The response_url of a stream, sealed; empty: there is none. By the primary key. */
export async function loadSealedUrl(session: Session, streamId: string): Promise<string> {
  const [row] = await session.all<{ route: string }>('select route from reply where reply_id = ?', [streamId]);
  return row?.route ?? '';
}

const readAtOnce = 100;

/** Streams by their ids. By the primary key. */
export async function loadStreams(session: Session, streamIds: readonly string[]): Promise<Stream[]> {
  const streams: Stream[] = [];
  for (let from = 0; from < streamIds.length; from += readAtOnce) {
    const ids = streamIds.slice(from, from + readAtOnce);
    const rows = await session.all<StreamRow>(`${streamSql(session)} where reply_id in ${marksFor(ids)}`, ids);
    streams.push(...rows.map(toStream));
  }
  return streams;
}

/** WeCom takes a bubble's end for some minutes longer than we fill it. */
const closableMs = 4 * 60 * 1000;

/** The streams of a bot that whoever holds its connection is to fill. By reply_by_close: of those that are not over yet. */
export async function listUnfinished(session: Session, integrationId: string): Promise<Stream[]> {
  const rows = await session.all<StreamRow>(
    `${streamSql(session)} where reply.state in ('open', 'final') and closes_at > ${session.dialect.now} - ${closableMs}
      and integration_id = ? and req_id <> ''`,
    [integrationId],
  );
  return rows.map(toStream);
}

/** Notes that WeCom has taken a finished answer over a long connection. By the primary key. */
export async function noteShown(session: Session, streamId: string): Promise<void> {
  await session.run("update reply set state = 'fetched' where reply_id = ? and state = 'final'", [streamId]);
}

/** Notes that the last word of a bubble is being said; false: it was closed, or is gone. By the primary key. */
export async function beginEnding(session: Session, streamId: string): Promise<boolean> {
  const begun = await session.run("update reply set bubble = 'ending' where reply_id = ? and bubble <> 'closed'", [
    streamId,
  ]);
  return begun === 1;
}

/** WeCom has refused the last word of a bubble: it is as it was. By the primary key. */
export async function takeEndingBack(session: Session, streamId: string): Promise<void> {
  await session.run("update reply set bubble = 'open' where reply_id = ? and bubble = 'ending'", [streamId]);
}

/**
 * Notes that a bubble ends with a short text; false: its last word may stand there, or it is gone. By value: a bubble that
 * was to be closed before is closed again. By the primary key.
 */
export async function sealBubble(session: Session, streamId: string): Promise<boolean> {
  await session.run("update reply set bubble = 'closed' where reply_id = ? and bubble = 'open'", [streamId]);
  const rows = await session.all("select 1 from reply where reply_id = ? and bubble = 'closed'", [streamId]);
  return rows.length === 1;
}

/** Gives up the response_url that has refused what it was to say, so that it can be said otherwise. By the primary key. */
export async function forgetUrl(session: Session, streamId: string, from: keyof typeof takings): Promise<void> {
  await session.run("update reply set state = ?, route = '' where reply_id = ? and state = ?", [
    ...[from, streamId, takings[from]],
  ]);
}

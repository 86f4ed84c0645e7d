import { EventType } from '../../gen/wxmp/article/v1/article_pb.ts';
import { marksFor } from '../db/batches.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import type { Base } from '../knowledge/store.ts';

/** What an event says. */
export interface EventPayload {
  eventType: EventType;
  articleId: string;
  msgidx: number;
  fileId: string;
  knowledgeId: string;
  fileName: string;
  fileType: string;
}

/** Whether an event brings the content of a file: 9 and 11. */
export function bringsFile({ eventType }: EventPayload): boolean {
  return eventType === EventType.FILE_ADDED || eventType === EventType.FILE_UPDATED;
}

/** An event that was accepted before. */
export interface KnownEvent {
  payloadHash: string;
  isPending: boolean;
  /** Milliseconds since 1970 by the database's clock. */
  createdAt: number;
}

/** An event that waits to be handled. */
export interface PendingEvent {
  appid: string;
  eventId: string;
  /** Its place in the order in which the base's events were accepted. */
  sequence: number;
  payload: EventPayload;
  /** Where a file is fetched; signed, so nothing of it is logged or shown. */
  fileUrl: string;
  /** Our own, made by a comparison with the WeChat side: nobody is told of its end. */
  internal: boolean;
  /** Tries begun and ended. */
  started: number;
  finished: number;
  ageMs: number;
}

/** Begins the ids of the events that a comparison makes; the contract lets none from outside begin so. */
export const internalPrefix = ' sync ';

/** By the primary key. */
export async function findEvent(session: Session, appid: string, eventId: string): Promise<KnownEvent | undefined> {
  const [row] = await session.all<{ payload_hash: string; state: string; created_at: number }>(
    'select payload_hash, state, created_at from article_event where appid = ? and event_id = ?',
    [appid, eventId],
  );
  return row && { payloadHash: row.payload_hash, isPending: row.state === 'pending', createdAt: row.created_at };
}

/** Forgets an event of before a deletion, so that a new one can have its id. By the primary key. */
export async function forgetEvent(tx: Tx, appid: string, eventId: string, { createdAt }: KnownEvent): Promise<void> {
  await tx.run('delete from article_event where appid = ? and event_id = ? and created_at <= ?', [
    appid,
    eventId,
    createdAt,
  ]);
}

/**
 * Adds an event and makes its base due, unless somebody holds it: then the holder finds the event. Returns its place
 * in the order of the base's events.
 */
export async function insertEvent(
  tx: Tx,
  event: { eventId: string; base: Base; payload: EventPayload; fileUrl?: string; payloadHash: string },
): Promise<number> {
  const { now } = tx.dialect;
  const { eventId, base, payload, fileUrl = '', payloadHash } = event;
  const key = documentKey(payload);
  // Locks the base's row until the commit, so that the order of the numbers is that of the commits.
  await tx.run(
    `update learning set last_sequence = last_sequence + 1,
        due_at = case when lease_token is null then ${now} else due_at end where knowledge_id = ?`,
    [base.knowledgeId],
  );
  await tx.run(
    `insert into article_event (appid, event_id, knowledge_id, sequence, document_key, event_type, payload,
        file_url, payload_hash, state, created_at)
      select ?, ?, knowledge_id, last_sequence, ?, ?, ?, ?, ?, 'pending', ${now} from learning where knowledge_id = ?`,
    [
      base.appid,
      eventId,
      key,
      payload.eventType,
      JSON.stringify(payload),
      fileUrl === '' ? null : fileUrl,
      payloadHash,
      base.knowledgeId,
    ],
  );
  // What waits before it on the same document has its turn at once: see `isFinal` in handle-file.ts.
  await tx.run(
    "update article_event set retry_at = 0 where knowledge_id = ? and document_key = ? and state = 'pending'",
    [base.knowledgeId, key],
  );
  const [row] = await tx.all<{ last_sequence: number }>('select last_sequence from learning where knowledge_id = ?', [
    base.knowledgeId,
  ]);
  return row!.last_sequence;
}

/** Lets a pending event of a file be tried at once from a newly signed address. */
export async function renewFileUrl(
  tx: Tx,
  { appid, eventId, knowledgeId, fileUrl }: { appid: string; eventId: string; knowledgeId: string; fileUrl: string },
): Promise<void> {
  await tx.run(
    `update learning set due_at = case when lease_token is null then ${tx.dialect.now} else due_at end
      where knowledge_id = ?`,
    [knowledgeId],
  );
  await tx.run(
    "update article_event set file_url = ?, retry_at = 0 where appid = ? and event_id = ? and state = 'pending'",
    [fileUrl, appid, eventId],
  );
}

/** Whether an event of the same document was accepted after this one and waits behind it. By article_event_by_base. */
export async function hasLaterEvent(session: Session, knowledgeId: string, event: PendingEvent): Promise<boolean> {
  const rows = await session.all(
    `select 1 from article_event
      where knowledge_id = ? and state = 'pending' and sequence > ? and document_key in (?, 'base') limit 1`,
    [knowledgeId, event.sequence, documentKey(event.payload)],
  );
  return rows.length > 0;
}

/** Those of some articles for which an event waits. By article_event_by_document. */
export async function listWaiting(
  session: Session,
  knowledgeId: string,
  articleIds: readonly string[],
): Promise<Set<string>> {
  const rows = await session.all<{ document_key: string }>(
    `select distinct document_key from article_event
      where knowledge_id = ? and document_key in ${marksFor(articleIds)} and state = 'pending'`,
    [knowledgeId, ...articleIds.map((id) => `article:${id}`)],
  );
  return new Set(rows.map((row) => row.document_key.slice('article:'.length)));
}

/** Events of one key are handled in order; events of different keys don't wait for each other. */
function documentKey({ eventType, articleId, fileId }: EventPayload): string {
  if (eventType === EventType.KNOWLEDGE_DELETED) return 'base';
  return eventType <= EventType.ARTICLE_UNBANNED ? `article:${articleId}` : `file:${fileId}`;
}

/**
 * The next event of a base that may be handled now, or how long it takes until there is one (undefined: none waits).
 * It is the first of its document; what was never tried comes before what failed, and of that what waits longest, so
 * that documents that fail again and again don't keep the others waiting. By article_event_by_turn, and for the
 * documents by article_event_by_document.
 */
export async function findNextEvent(
  session: Session,
  knowledgeId: string,
): Promise<{ event: PendingEvent } | { waitMs: number | undefined }> {
  const { now } = session.dialect;
  const [row] = await session.all<EventRow>(
    `select e.appid, e.event_id, e.sequence, e.payload, e.file_url, e.started, e.finished,
        e.retry_at - ${now} wait_ms, ${now} - e.created_at age_ms
      from article_event e where e.knowledge_id = ? and e.state = 'pending' and not exists
        (select 1 from article_event b where b.knowledge_id = e.knowledge_id and b.document_key = e.document_key
          and b.state = 'pending' and b.sequence < e.sequence)
      order by e.retry_at, e.sequence limit 1`,
    [knowledgeId],
  );
  if (row === undefined) return { waitMs: undefined };
  return row.wait_ms <= 0 ? { event: toEvent(row) } : { waitMs: row.wait_ms };
}

/** Counts the start of a try. By value: a commit that takes effect unseen counts once. */
export async function beginEvent(tx: Session, { appid, eventId, started }: PendingEvent): Promise<void> {
  await tx.run('update article_event set started = ? where appid = ? and event_id = ?', [started + 1, appid, eventId]);
}

/** Counts the end of a try that lost its lease, unless another has begun one since. */
export async function endLostTry(session: Session, { appid, eventId, started }: PendingEvent): Promise<void> {
  await session.run('update article_event set finished = ? where appid = ? and event_id = ? and started = ?', [
    started + 1,
    appid,
    eventId,
    started + 1,
  ]);
}

/** Whether a newly signed address came since the event was read. By the primary key. */
export async function hasNewUrl(tx: Session, { appid, eventId, fileUrl }: PendingEvent): Promise<boolean> {
  const [row] = await tx.all<{ file_url: string | null }>(
    'select file_url from article_event where appid = ? and event_id = ?',
    [appid, eventId],
  );
  return (row?.file_url ?? '') !== fileUrl;
}

/** Ends an event: done, or dead with a reason. A file's address is of no more use. */
export async function endEvent(
  tx: Session,
  { appid, eventId }: Pick<PendingEvent, 'appid' | 'eventId'>,
  state: 'done' | 'dead',
  reason: string | null = null,
): Promise<void> {
  await tx.run(
    `update article_event set state = ?, reason = ?, finished = started, file_url = null
      where appid = ? and event_id = ? and state = 'pending'`,
    [state, reason, appid, eventId],
  );
}

/** Lets an event wait after a failed try; not where a newly signed address came meanwhile. */
export async function retryEvent(tx: Session, event: PendingEvent, waitMs: number, reason: string): Promise<void> {
  await tx.run(
    `update article_event set reason = ?, finished = started,
        retry_at = case when coalesce(file_url, '') = ? then ${tx.dialect.now} + ? else 0 end
      where appid = ? and event_id = ?`,
    [reason, event.fileUrl, waitMs, event.appid, event.eventId],
  );
}

interface EventRow {
  appid: string;
  event_id: string;
  sequence: number;
  payload: string;
  file_url: string | null;
  started: number;
  finished: number;
  wait_ms: number;
  age_ms: number;
}

function toEvent(row: EventRow): PendingEvent {
  return {
    appid: row.appid,
    eventId: row.event_id,
    sequence: row.sequence,
    payload: JSON.parse(row.payload) as EventPayload,
    fileUrl: row.file_url ?? '',
    internal: row.event_id.startsWith(internalPrefix),
    started: row.started,
    finished: row.finished,
    ageMs: row.age_ms,
  };
}

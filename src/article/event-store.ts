import { EventType } from '../../gen/wxmp/article/v1/article_pb.ts';
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
export async function findEvent(tx: Tx, appid: string, eventId: string): Promise<KnownEvent | undefined> {
  const [row] = await tx.all<{ payload_hash: string; state: string }>(
    'select payload_hash, state from article_event where appid = ? and event_id = ?',
    [appid, eventId],
  );
  return row && { payloadHash: row.payload_hash, isPending: row.state === 'pending' };
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
      documentKey(payload),
      payload.eventType,
      JSON.stringify(payload),
      fileUrl === '' ? null : fileUrl,
      payloadHash,
      base.knowledgeId,
    ],
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

/** Events of one key are handled in order; events of different keys don't wait for each other. */
function documentKey({ eventType, articleId, fileId }: EventPayload): string {
  if (eventType === EventType.KNOWLEDGE_DELETED) return 'base';
  if (articleId !== '') return `article:${articleId}`;
  return fileId === '' ? 'base' : `file:${fileId}`;
}

/** So many events are looked at: where all of them wait, so does what is behind them. */
const lookAhead = 200;

/**
 * The next event of a base that may be handled now, or how long it takes until there is one (undefined: none waits).
 * By article_event_by_base.
 */
export async function findNextEvent(
  session: Session,
  knowledgeId: string,
): Promise<{ event: PendingEvent } | { waitMs: number | undefined }> {
  const { now } = session.dialect;
  const rows = await session.all<EventRow>(
    `select appid, event_id, sequence, document_key, payload, file_url, started, finished, retry_at - ${now} wait_ms,
        ${now} - created_at age_ms
      from article_event where knowledge_id = ? and state = 'pending' order by sequence limit ${lookAhead}`,
    [knowledgeId],
  );
  const blocked = new Set<string>();
  for (const row of rows) {
    if (!blocked.has(row.document_key) && row.wait_ms <= 0) return { event: toEvent(row) };
    blocked.add(row.document_key);
  }
  return { waitMs: rows.length === 0 ? undefined : Math.min(...rows.map((row) => Math.max(row.wait_ms, 1))) };
}

/** Counts the start of a try. */
export async function beginEvent(session: Session, { appid, eventId }: PendingEvent): Promise<void> {
  await session.run('update article_event set started = started + 1 where appid = ? and event_id = ?', [
    appid,
    eventId,
  ]);
}

/** Ends an event: done, or dead with a reason. */
export async function endEvent(
  tx: Session,
  { appid, eventId }: PendingEvent,
  state: 'done' | 'dead',
  reason: string | null = null,
): Promise<void> {
  await tx.run(
    `update article_event set state = ?, reason = ?, finished = started
      where appid = ? and event_id = ? and state = 'pending'`,
    [state, reason, appid, eventId],
  );
}

/** Lets an event wait after a failed try. */
export async function retryEvent(tx: Session, event: PendingEvent, waitMs: number, reason: string): Promise<void> {
  await tx.run(
    `update article_event set retry_at = ${tx.dialect.now} + ?, reason = ?, finished = started
      where appid = ? and event_id = ?`,
    [waitMs, reason, event.appid, event.eventId],
  );
}

interface EventRow {
  appid: string;
  event_id: string;
  sequence: number;
  document_key: string;
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

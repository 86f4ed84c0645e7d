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

/** An event that waits to be handled. */
export interface PendingEvent {
  appid: string;
  eventId: string;
  payload: EventPayload;
  /** Our own, made by a comparison with the WeChat side: nobody is told of its end. */
  internal: boolean;
  /** Tries begun and ended. */
  started: number;
  finished: number;
  ageMs: number;
}

/** Begins the ids of the events that a comparison makes; the contract lets none from outside begin so. */
export const internalPrefix = ' sync ';

/** The hash of an event that was accepted before. By the primary key. */
export async function findEventHash(tx: Tx, appid: string, eventId: string): Promise<string | undefined> {
  const [row] = await tx.all<{ payload_hash: string }>(
    'select payload_hash from article_event where appid = ? and event_id = ?',
    [appid, eventId],
  );
  return row?.payload_hash;
}

/** Adds an event and makes its base due, unless somebody holds it: then the holder finds the event. */
export async function insertEvent(
  tx: Tx,
  event: { eventId: string; base: Base; payload: EventPayload; payloadHash: string },
): Promise<void> {
  const { now } = tx.dialect;
  const { eventId, base, payload, payloadHash } = event;
  // Locks the base's row until the commit, so that the order of the numbers is that of the commits.
  await tx.run(
    `update learning set last_sequence = last_sequence + 1,
        due_at = case when lease_token is null then ${now} else due_at end where knowledge_id = ?`,
    [base.knowledgeId],
  );
  await tx.run(
    `insert into article_event (appid, event_id, knowledge_id, sequence, document_key, event_type, payload,
        payload_hash, state, created_at)
      select ?, ?, knowledge_id, last_sequence, ?, ?, ?, ?, 'pending', ${now} from learning where knowledge_id = ?`,
    [
      base.appid,
      eventId,
      documentKey(payload),
      payload.eventType,
      JSON.stringify(payload),
      payloadHash,
      base.knowledgeId,
    ],
  );
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
    `select appid, event_id, document_key, payload, started, finished, retry_at - ${now} wait_ms,
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
  document_key: string;
  payload: string;
  started: number;
  finished: number;
  wait_ms: number;
  age_ms: number;
}

function toEvent(row: EventRow): PendingEvent {
  return {
    appid: row.appid,
    eventId: row.event_id,
    payload: JSON.parse(row.payload) as EventPayload,
    internal: row.event_id.startsWith(internalPrefix),
    started: row.started,
    finished: row.finished,
    ageMs: row.age_ms,
  };
}

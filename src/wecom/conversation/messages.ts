import { marksFor } from '../../db/batches.ts';
import type { Session } from '../../db/session.ts';
import type { StoredExplanation } from '../../message/explanation.ts';
import { type FeedbackRow, feedbackColumns, toFeedback } from '../feedback-store.ts';

/** So much of a message is shown. */
const maxChars = 20_000;

export interface MessageRow extends FeedbackRow {
  message_id: string;
  message_index: number;
  speaker: string;
  openid: string;
  msg_type: string;
  /** One character more than is shown, at most. */
  content: string;
  quoted: string | null;
  state: string;
  /** Of an answer: the message that it answers. */
  answers: string | null;
  created_at: number;
}

/**
 * The last messages of a session, or those before `before`, the newest first, but for what was taken into another. By
 * conversation_by_scope, and message_by_index backwards.
 */
export function loadMessages(
  session: Session,
  { appid, scopeKey }: { appid: string; scopeKey: string },
  before: number | undefined,
  limit: number,
): Promise<MessageRow[]> {
  return session.all<MessageRow>(
    `select m.message_id, m.message_index, m.speaker, m.openid, m.msg_type, substr(m.content, 1, ${maxChars + 1}) content,
        m.quoted, m.state, m.answers, m.created_at, ${feedbackColumns}
      from conversation c join message m on m.conversation_id = c.conversation_id
      where c.appid = ? and c.scope_key = ? and m.state <> 'merged' ${before === undefined ? '' : 'and m.message_index < ?'}
      order by m.message_index desc limit ${limit}`,
    before === undefined ? [appid, scopeKey] : [appid, scopeKey, before],
  );
}

/** What the answers among these messages cite, by the messages that they answer. By the primary key. */
export async function loadSources(session: Session, rows: readonly MessageRow[]) {
  const answered = rows.flatMap(({ answers }) => answers ?? []);
  if (answered.length === 0) return new Map<string, ReturnType<typeof toSources>>();
  const explanations = await session.all<{ message_id: string; body: string }>(
    `select message_id, body from explanation where message_id in ${marksFor(answered)}`,
    answered,
  );
  return new Map(explanations.map(({ message_id, body }) => [message_id, toSources(body)]));
}

function toSources(body: string) {
  const { citations } = JSON.parse(body) as StoredExplanation;
  return citations.map(({ documentId, title, url }) => ({ documentId, title, url }));
}

/** What came with these messages, by message. By attachment_by_message. */
export async function loadAttachments(session: Session, rows: readonly MessageRow[]) {
  const ids = rows.map(({ message_id }) => message_id);
  if (ids.length === 0) return new Map<string, AttachmentRow[]>();
  const attachments = await session.all<AttachmentRow>(
    `select message_id, kind, name, state, coalesce(reason, '') reason, origin from attachment
      where message_id in ${marksFor(ids)} order by message_id, attachment_id limit ${maxAttachmentRows}`,
    ids,
  );
  return Map.groupBy(attachments, ({ message_id }) => message_id);
}

/** More than a page of questions can have, unless somebody plays. */
const maxAttachmentRows = 4000;

interface AttachmentRow {
  message_id: string;
  kind: string;
  name: string;
  state: string;
  reason: string;
  origin: string;
}

/** What belongs to messages. */
export interface Belongings {
  sources: Awaited<ReturnType<typeof loadSources>>;
  attachments: Awaited<ReturnType<typeof loadAttachments>>;
}

/** A message as operators see it. */
export function showMessage(row: MessageRow, { sources, attachments }: Belongings) {
  const letters = Array.from(row.content); // as the database counts them
  const feedback = toFeedback(row);
  return {
    messageId: row.message_id,
    speaker: row.speaker,
    userId: row.openid,
    msgType: row.msg_type,
    text: letters.slice(0, maxChars).join(''),
    textCut: letters.length > maxChars,
    createdAt: Math.floor(row.created_at / 1000),
    state: row.state,
    answers: row.answers ?? '',
    sources: sources.get(row.answers ?? '') ?? [],
    quoted: row.quoted ?? '',
    attachments: (attachments.get(row.message_id) ?? []).map(({ message_id, ...each }) => each),
    ...(feedback && { feedback: { ...feedback, at: Math.floor(feedback.at / 1000) } }),
  };
}

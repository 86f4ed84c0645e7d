/** What users think of answers, kept with the assistant's message: it goes when that goes. */
import type { Session } from '../db/session.ts';

/** 1 right, 2 wrong, 3 withdrawn. */
export type FeedbackType = 1 | 2 | 3;

export interface Feedback {
  type: FeedbackType;
  /** The user's own words; may be empty. */
  text: string;
  /** Why it is wrong: 1 beside the question, 2 not all of it, 3 not so, 4 an error in the analysis of data. */
  reasons: number[];
}

/** A feedback as it is stored, with when it came, in milliseconds since 1970 by the database's clock. */
export type StoredFeedback = Feedback & { at: number };

/** The longest text that is kept. */
const maxTextCharacters = 2000;

/** To be selected from `message`, for `toFeedback`. */
export const feedbackColumns = 'feedback_type, feedback_text, feedback_reasons, feedback_at';

export interface FeedbackRow {
  feedback_type: number | null;
  feedback_text: string | null;
  feedback_reasons: string | null;
  feedback_at: number | null;
}

/** What a message's columns say; undefined: nothing was said of it. */
export function toFeedback(row: FeedbackRow): StoredFeedback | undefined {
  if (row.feedback_type === null) return undefined;
  return {
    type: row.feedback_type as FeedbackType,
    text: row.feedback_text ?? '',
    reasons: (row.feedback_reasons ?? '').split(',').filter(Boolean).map(Number),
    at: Number(row.feedback_at),
  };
}

/**
 * Notes what is thought of the answer to a user's message, in place of what was said before; false: there is no such
 * answer, or not any more. By message_by_answers.
 */
export async function saveFeedback(session: Session, messageId: string, feedback: Feedback): Promise<boolean> {
  const isWithdrawn = feedback.type === 3;
  const text = [...feedback.text].slice(0, maxTextCharacters).join('');
  const reasons = feedback.reasons.slice(0, 8).join(',');
  const saved = await session.run(
    `update message set feedback_type = ?, feedback_text = ?, feedback_reasons = ?, feedback_at = ${session.dialect.now}
      where answers = ?`,
    [feedback.type, isWithdrawn ? null : text, isWithdrawn ? null : reasons, messageId],
  );
  return saved > 0;
}

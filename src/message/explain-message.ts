import { type ExplainMessageRequest, MessageState } from '../../gen/wxmp/message/v1/message_pb.ts';
import type { Context } from '../context.ts';
import type { Session } from '../db/session.ts';
import { notFound } from '../errors.ts';
import { channelOf } from './channel.ts';
import { loadExplanation, toCitation, toExplanation } from './explanation.ts';

/** See MessageService.ExplainMessage. */
export function explainMessage({ database }: Context) {
  return async ({ appid, msgid, isDebug }: ExplainMessageRequest) => {
    const message = await findMessage(database, appid, channelOf(isDebug), msgid);
    if (message === undefined) throw notFound('message', msgid);
    const { message_id: messageId, state } = message;
    const explanation = await loadExplanation(database, messageId);
    return {
      state: states[state] ?? MessageState.UNSPECIFIED,
      answer: await findAnswer(database, messageId),
      citations: (explanation?.citations ?? []).map(toCitation),
      ...(explanation && { explanation: toExplanation(explanation) }),
      deliveries: await listDeliveries(database, messageId),
    };
  };
}

const states: Record<string, MessageState> = {
  pending: MessageState.PENDING,
  answered: MessageState.ANSWERED,
  fixed: MessageState.ANSWERED, // with a fixed text
  cancelled: MessageState.CANCELLED,
};

/** By message_by_msgid. */
async function findMessage(session: Session, appid: string, channel: string, msgid: string) {
  const rows = await session.all<{ message_id: string; state: string }>(
    'select message_id, state from message where appid = ? and channel = ? and msgid = ?',
    [appid, channel, msgid],
  );
  return rows[0];
}

/** By message_by_answers. */
async function findAnswer(session: Session, messageId: string): Promise<string> {
  const [row] = await session.all<{ content: string }>('select content from message where answers = ?', [messageId]);
  return row?.content ?? '';
}

/** By dispatch_by_message. */
async function listDeliveries(session: Session, messageId: string) {
  const rows = await session.all<{ dispatch_id: string; state: string; started: number; reason: string | null }>(
    'select dispatch_id, state, started, reason from dispatch where message_id = ? order by sequence',
    [messageId],
  );
  return rows.map((row) => ({
    dispatchId: row.dispatch_id,
    state: row.state,
    attempts: row.started,
    reason: row.reason ?? '',
  }));
}

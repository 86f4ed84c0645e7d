import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, fromJsonString, toJsonString } from '@bufbuild/protobuf';
import { EventType } from '../../gen/wxmp/article/v1/article_pb.ts';
import { type AiRagCompleteItemSchema, AiRagCompleteRequestSchema } from '../../gen/wxmp/bizcomm/v1/bizcomm_pb.ts';
import type { BizcommClient } from '../bizcomm/client.ts';
import type { Context } from '../context.ts';
import type { Tx } from '../db/tx.ts';
import type { Sender } from '../dispatch/dispatch.ts';
import { enqueue } from '../dispatch/enqueue.ts';
import type { Base } from '../knowledge/store.ts';
import type { PendingEvent } from './event-store.ts';

export const noticeKind = 'wxmp.notice';

const hourMs = 60 * 60 * 1000;

type Item = MessageInitShape<typeof AiRagCompleteItemSchema>;

/** Tells that a phase of learning is finished: 1, 2 or 3. Once per base and event type. */
export async function noticePhase(
  context: Context,
  tx: Tx,
  appid: string,
  knowledgeId: string,
  eventType: EventType,
): Promise<void> {
  await notice(context, tx, `learned:${knowledgeId}:${eventType}`, { appid, eventType });
}

/**
 * Tells that an event was handled. `count` is how many items that concerned, for 4 to 7; `msgidx` is as it came.
 * `fileRagStatus` is for 9 to 11.
 */
export async function noticeEvent(
  context: Context,
  tx: Tx,
  base: Base,
  { appid, eventId, payload }: PendingEvent,
  { count, fileRagStatus }: { count?: number; fileRagStatus?: number },
): Promise<void> {
  const { eventType, articleId, msgidx, fileId, knowledgeId } = payload;
  const isArticle = eventType <= EventType.ARTICLE_UNBANNED;
  await notice(context, tx, eventNoticeKey(base.knowledgeId, eventId), {
    appid,
    eventType,
    eventId,
    ...(isArticle ? { articleId, msgidx } : { fileId, knowledgeId }),
    ...(count !== undefined && eventType <= EventType.ARTICLE_BANNED && { count }),
    ...(fileRagStatus !== undefined && { fileRagStatus }),
  });
}

/** The dedupe key of an event's notice. By its base: an account that was created again may use the id again. */
export function eventNoticeKey(knowledgeId: string, eventId: string): string {
  return `event:${knowledgeId}:${eventId}`;
}

async function notice({ bizcomm, config, wake }: Context, tx: Tx, dedupeKey: string, item: Item): Promise<void> {
  if (bizcomm === undefined) return; // nobody to tell
  await enqueue(tx, {
    laneId: `account:${item.appid}`,
    dedupeKey,
    kind: noticeKind,
    appid: item.appid ?? '',
    payload: toJsonString(AiRagCompleteRequestSchema, create(AiRagCompleteRequestSchema, { item: [item] })),
    windowMs: config.NOTICE_WINDOW_HOURS * hourMs,
  });
  tx.afterCommit(wake.dispatch);
}

/** Delivers notices. */
export function createNoticeSender(bizcomm: BizcommClient): Sender {
  return async ({ payload }, signal) => {
    await bizcomm.aiRagComplete(fromJsonString(AiRagCompleteRequestSchema, payload), signal);
  };
}

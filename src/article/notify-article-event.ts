import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import {
  type ArticleEvent,
  ArticleEventSchema,
  EventType,
  type NotifyArticleEventRequest,
} from '../../gen/wxmp/article/v1/article_pb.ts';
import { requireHeldAssistant, requireLockedAssistant } from '../assistant/store.ts';
import { checkRules } from '../check-rules.ts';
import type { Config } from '../config.ts';
import type { Context } from '../context.ts';
import type { Tx } from '../db/tx.ts';
import { conflict } from '../errors.ts';
import { closeBase } from '../knowledge/close-base.ts';
import { documentState, findDocument, noteState, sourceKey } from '../knowledge/document.ts';
import { requireRoomForFile } from '../knowledge/quota.ts';
import { requireArticleBase, requireFileBase } from '../knowledge/require-base.ts';
import { type Base, findBase } from '../knowledge/store.ts';
import {
  bringsFile,
  type EventPayload,
  endEvent,
  findEvent,
  forgetEvent,
  insertEvent,
  renewFileUrl,
} from './event-store.ts';
import { noteFile } from './handle-file.ts';
import { withdraw } from './withdraw.ts';

/** See ArticleService.NotifyArticleEvent. All events of a call are accepted in one transaction, or none. */
export function notifyArticleEvent({ config, database, wake }: Context) {
  const validator = createValidator();
  return async (request: NotifyArticleEventRequest) => {
    const events = request.item.length > 0 ? request.item : [flatEvent(request)];
    for (const event of events) checkRules(validator, ArticleEventSchema, event);
    return database.tx(async (tx) => {
      // One after another, and before anything else is locked: the files of an account are counted, and bases closed.
      for (const appid of appidsOfFiles(events)) await requireLockedAssistant(tx, appid);
      for (const event of events) await acceptEvent(tx, event, config);
      tx.afterCommit(wake.learning);
      return {};
    });
  };
}

/** The event that the fields of the request itself make. */
function flatEvent({ $typeName, $unknown, item, ...fields }: NotifyArticleEventRequest): ArticleEvent {
  return create(ArticleEventSchema, fields);
}

function appidsOfFiles(events: readonly ArticleEvent[]): string[] {
  const ofFiles = events.filter(({ eventType }) => eventType > EventType.ARTICLE_UNBANNED);
  return [...new Set(ofFiles.map(({ appid }) => appid))].sort();
}

async function acceptEvent(tx: Tx, event: ArticleEvent, config: Config): Promise<void> {
  const payload = payloadOf(event);
  const assistant = await requireHeldAssistant(tx, event.appid);
  const hash = createHash('sha256').update(JSON.stringify(payload)).digest('hex');
  const known = await findEvent(tx, event.appid, event.eventId);
  if (known !== undefined && known.createdAt < assistant.createdAt) {
    await forgetEvent(tx, event.appid, event.eventId, known);
  } else if (known !== undefined) {
    if (known.payloadHash !== hash) throw conflict(`event_id ${event.eventId} was accepted with another payload`);
    const { appid, eventId, knowledgeId, fileCosUrl: fileUrl } = event;
    if (known.isPending && bringsFile(payload)) await renewFileUrl(tx, { appid, eventId, knowledgeId, fileUrl });
    return;
  }
  const base = await baseOf(tx, event);
  if (base === undefined) return; // what it deletes went with its base
  const fileUrl = bringsFile(payload) ? event.fileCosUrl : '';
  const sequence = await insertEvent(tx, { eventId: event.eventId, base, payload, fileUrl, payloadHash: hash });
  await withdraw(tx, base, payload, sequence);
  if (payload.eventType === EventType.KNOWLEDGE_DELETED) {
    // Nothing has to be fetched for it, and nothing may be bound or answered from the base any more: so it is done.
    await closeBase(tx, base.appid, base.knowledgeId);
    await endEvent(tx, event, 'done');
  }
  if (bringsFile(payload)) {
    const key = sourceKey({ kind: 'file', fileId: payload.fileId, fileType: '' });
    const file = await findDocument(tx, base.knowledgeId, key);
    if (file === undefined || file.state === documentState.deleted) await requireRoomForFile(tx, base.appid, config);
    await noteFile(tx, base, payload);
  }
  if (payload.eventType === EventType.ARTICLE_ADDED && payload.msgidx > 0) {
    const origin = { kind: 'article', articleId: payload.articleId, msgidx: payload.msgidx } as const;
    // So that its state can be asked for from now on.
    await noteState(tx, base, origin, { state: documentState.parsing, reason: null });
  }
}

/** What the event says; a repeat must say the same. An address expires and is signed anew, so it may differ. */
function payloadOf(event: ArticleEvent): EventPayload {
  return {
    eventType: event.eventType,
    articleId: event.articleId,
    msgidx: event.msgidx,
    fileId: event.fileId || event.fileCosId,
    knowledgeId: event.knowledgeId,
    fileName: event.fileName,
    fileType: event.fileType,
  };
}

/** The base that an event is about; undefined: it tells of a deletion in a base that is deleted already. */
async function baseOf(tx: Tx, { appid, eventType, knowledgeId }: ArticleEvent): Promise<Base | undefined> {
  if (eventType === EventType.FILE_DELETED || eventType === EventType.KNOWLEDGE_DELETED) {
    const base = await findBase(tx, knowledgeId);
    if (base?.appid === appid && base.type === 2 && base.deleted) return undefined;
  }
  if (eventType > EventType.ARTICLE_UNBANNED) return requireFileBase(tx, appid, knowledgeId);
  return requireArticleBase(tx, appid);
}

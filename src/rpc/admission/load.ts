import type { DescMethod } from '@bufbuild/protobuf';
import { EventType } from '../../../gen/wxmp/article/v1/article_pb.ts';

/** A thing that a call brings for an account. Nothing of it has been validated yet. */
export interface Load {
  appid: string;
  /** Of a message its msgid, of an event its event_id; else empty. */
  id: string;
  isDebug: number;
  /** An event that takes content back. */
  withdraws: boolean;
}

/** What a call brings. */
export function loadsOf(method: DescMethod, message: object): Load[] {
  const { item } = message as { item?: Fields[] };
  const items = item !== undefined && item.length > 0 ? item : [message as Fields];
  return items
    .filter(({ appid }) => appid !== undefined)
    .map((item) => ({
      appid: String(item.appid),
      id: String(item.msgid ?? item.eventId ?? ''),
      isDebug: Number(item.isDebug ?? 0),
      withdraws: method.name === 'NotifyArticleEvent' && withdrawing.has(item.eventType ?? 0),
    }));
}

const withdrawing = new Set<number>([
  EventType.ARTICLE_DELETED,
  EventType.ARTICLE_BANNED,
  EventType.FILE_DELETED,
  EventType.KNOWLEDGE_DELETED,
]);

interface Fields {
  appid?: string;
  msgid?: string;
  eventId?: string;
  isDebug?: number;
  eventType?: number;
}

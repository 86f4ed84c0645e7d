import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  GetBizPublishListRequestSchema,
  GetBizPublishListResponse,
  NewsItem,
} from '../../gen/wxmp/bizcomm/v1/bizcomm_pb.ts';
import type { BizcommClient } from '../bizcomm/client.ts';
import { CallError } from '../errors.ts';
import type { Content } from '../knowledge/learn-document.ts';
import { readArticle } from './read-article.ts';

/** An item as the WeChat side has it now: to be learned, or (no content) not to be. */
export interface FetchedItem {
  articleId: string;
  msgidx: number;
  content: Content | undefined;
}

/** A page of the list. */
export interface Page {
  items: FetchedItem[];
  /** Where the next one begins; 0 at the end of the list. */
  nextOffset: number;
}

export interface FetchOptions {
  /** Undefined: there is no WeChat side, and every fetch fails. */
  bizcomm: BizcommClient | undefined;
  appid: string;
  /** Whether articles that readers pay for are learned. */
  paid: boolean;
  signal: AbortSignal;
}

/** Pulls a page of at most `count` messages. Throws a CallError; an answer that can't be a page is none. */
export async function fetchPage(options: FetchOptions, offset: number, count: number): Promise<Page> {
  const { appid, paid } = options;
  const answer = await pull(options, { appid, fetchType: 0, offset, count, filterPaySubscribe: paid ? 0 : 1 });
  if (answer.nextOffset === undefined && answer.item.length === 0) throw new CallError('the answer is no page');
  const nextOffset = answer.nextOffset ?? 0;
  if (nextOffset !== 0 && nextOffset <= offset) throw new CallError(`next_offset ${nextOffset} after ${offset}`);
  return { items: await readItems(answer.item, paid), nextOffset };
}

/** Pulls one message, or one item of it; what isn't there any more is left out. Throws a CallError. */
export async function fetchArticle(options: FetchOptions, articleId: string, msgidx: number): Promise<FetchedItem[]> {
  const { appid, paid } = options;
  const msgidxList = msgidx === 0 ? [] : [msgidx];
  const answer = await pull(options, {
    appid,
    fetchType: 1,
    articleId,
    msgidxList,
    filterPaySubscribe: paid ? 0 : 1,
  });
  const items = await readItems(answer.item, paid);
  return items.filter((item) => item.articleId === articleId && (msgidx === 0 || item.msgidx === msgidx));
}

async function pull({ bizcomm, signal }: FetchOptions, request: Request): Promise<GetBizPublishListResponse> {
  if (bizcomm === undefined) throw new CallError('there is no WeChat side (BIZCOMM_URL)');
  const answer = await bizcomm.getBizPublishList(request, signal);
  const { nextOffset, itemCount, item } = answer;
  // Where a single article is gone it is at least said that there are none.
  const saysNothing = nextOffset === undefined && itemCount === undefined && item.length === 0;
  if (saysNothing) throw new CallError('the answer says nothing');
  return answer;
}

type Request = MessageInitShape<typeof GetBizPublishListRequestSchema>;

interface Published {
  articleId: string;
  content?: { newsItem: NewsItem[] } | undefined;
}

/** Reads one item after another and lets the event loop go on in between. */
async function readItems(messages: readonly Published[], paid: boolean): Promise<FetchedItem[]> {
  const items: FetchedItem[] = [];
  for (const { articleId, content } of messages) {
    for (const [index, item] of (content?.newsItem ?? []).entries()) {
      const left = articleId === '' || item.isDeleted || (item.isPaySubscribe && !paid);
      // Items are numbered from 1; a message of one item may leave its number out.
      const msgidx = item.msgidx === 0 ? index + 1 : item.msgidx;
      items.push({ articleId, msgidx, content: left ? undefined : readArticle(item) });
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return items.filter(({ articleId }) => articleId !== '');
}

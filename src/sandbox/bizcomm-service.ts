import type { ServiceImpl } from '@connectrpc/connect';
import type {
  BizcommService,
  GetBizPublishListRequest,
  RecvAiReplyRequest,
  V2RecvAiReplyRequest,
} from '../../gen/wxmp/bizcomm/v1/bizcomm_pb.ts';
import { notFound } from '../errors.ts';
import type { SandboxItem, SandboxMessage } from './articles/types.ts';
import type { WechatState } from './wechat-state.ts';

/** The WeChat side's API over the sandbox's state. `pageUrl` is where its articles can be read. */
export function bizcommService(state: WechatState, pageUrl: () => string): ServiceImpl<typeof BizcommService> {
  return {
    getBizPublishList: (request) => (request.fetchType === 1 ? single(request) : page(request)),
    aiRagComplete: ({ item }) => {
      state.notices.push(...item);
      return {};
    },
    recvAiReply: ({ msgid, openid, isDebug = 0, text }: RecvAiReplyRequest) => {
      const segments = [{ content: text?.content ?? '', quotation: '' }];
      state.replies.push({ call: 'recvaireply', msgid, openid, isDebug, segments });
      return {};
    },
    v2RecvAiReply: ({ msgid, openid, isDebug = 0, msgs }: V2RecvAiReplyRequest) => {
      const segments = msgs.map(({ content, quotation = '' }) => ({ content, quotation }));
      state.replies.push({ call: 'v2recvaireply', msgid, openid, isDebug, segments });
      return {};
    },
    fetchMediaById: ({ mediaId }) => {
      const media = state.media.get(mediaId);
      if (media === undefined) throw notFound('media', mediaId);
      return typeof media === 'string' ? { url: media } : { buffer: Buffer.from(media).toString('base64') };
    },
  };

  function page({ offset = 0, count = 20, filterPaySubscribe = 0 }: GetBizPublishListRequest) {
    const messages = state.messages.slice(offset, offset + count);
    const next = offset + messages.length;
    const item = messages.map((message) => toPublished(message, filterPaySubscribe === 1));
    return { nextOffset: next < state.messages.length ? next : 0, itemCount: item.length, item };
  }

  function single({ articleId, msgidxList, filterPaySubscribe = 0 }: GetBizPublishListRequest) {
    const message = state.messages.find((each) => each.articleId === articleId);
    const item = message === undefined ? [] : [toPublished(message, filterPaySubscribe === 1, msgidxList)];
    return { nextOffset: 0, itemCount: item.length, item };
  }

  function toPublished({ articleId, createTime, items }: SandboxMessage, filterPaid: boolean, wanted: number[] = []) {
    const newsItem = items
      .map((item, index) => toNewsItem(articleId, item, index + 1))
      .filter(({ isPaySubscribe }) => !(filterPaid && isPaySubscribe))
      .filter(({ msgidx }) => wanted.length === 0 || wanted.includes(msgidx));
    return { articleId, content: { createTime, updateTime: createTime, setSendTime: createTime, newsItem } };
  }

  function toNewsItem(articleId: string, item: SandboxItem, msgidx: number) {
    return {
      msgidx,
      title: item.title,
      author: item.author,
      digest: item.digest,
      content: item.content,
      url: `${pageUrl()}/s/${encodeURIComponent(articleId)}/${msgidx}`,
      isPaySubscribe: item.isPaySubscribe ?? false,
      isDeleted: item.isDeleted ?? false,
      pictureList: (item.pictures ?? []).map((cdnUrl) => ({ cdnUrl })),
    };
  }
}

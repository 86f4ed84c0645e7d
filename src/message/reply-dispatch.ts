import {
  create,
  type DescMessage,
  fromJsonString,
  type MessageInitShape,
  type MessageShape,
  toJsonString,
} from '@bufbuild/protobuf';
import { RecvAiReplyRequestSchema, V2RecvAiReplyRequestSchema } from '../../gen/wxmp/bizcomm/v1/bizcomm_pb.ts';
import type { BizcommClient } from '../bizcomm/client.ts';
import type { Context } from '../context.ts';
import type { Tx } from '../db/tx.ts';
import type { Sender } from '../dispatch/dispatch.ts';
import { enqueue } from '../dispatch/enqueue.ts';
import { CallError } from '../errors.ts';
import { formatQuotation } from './quotation.ts';
import type { RepliedTo, ReplyChannel, ReplyText } from './reply-channel.ts';
import { splitReply } from './split-reply.ts';

export const replyKinds = { v1: 'wxmp.reply.v1', v2: 'wxmp.reply.v2' } as const;

const hourMs = 60 * 60 * 1000;

/** To the users of an Official Account: by the WeChat side, which takes whole answers. */
export const wxmpReplies: ReplyChannel = { enqueueReply, enqueuePleaseWait };

/** Enqueues the answer to a message. */
export async function enqueueReply(context: Context, tx: Tx, message: RepliedTo, reply: ReplyText): Promise<void> {
  await enqueueText(context, tx, message, { ...reply, purpose: 'reply' });
}

/** Enqueues the text that asks for patience, once for a message; its answer follows. */
export async function enqueuePleaseWait(context: Context, tx: Tx, message: RepliedTo): Promise<void> {
  await enqueueText(context, tx, message, { text: context.texts.pleaseWait, citations: [], purpose: 'wait' });
}

interface TextFor extends ReplyText {
  /** Part of the dedupe key: one dispatch of each purpose for a message. */
  purpose: 'reply' | 'wait';
}

/**
 * Enqueues a text on its conversation's lane. Version 2: one dispatch with all segments, the sources on the last.
 * Version 1: a dispatch per segment, each with its own delivery; the sources are part of the text.
 */
async function enqueueText(context: Context, tx: Tx, message: RepliedTo, reply: TextFor): Promise<void> {
  const { config, texts, wake } = context;
  const { purpose } = reply;
  const quotation = formatQuotation(reply.citations, texts);
  const { msgid, openid } = message;
  const isDebug = message.channel === 'debug' ? 1 : 0;
  if (config.BIZCOMM_REPLY_VERSION === 2) {
    const msgs = splitReply(reply.text).map((content) => ({ type: 'text', content }));
    const last = msgs.pop()!;
    const segments = [...msgs, quotation === '' ? last : { ...last, quotation }];
    const payload = encode(V2RecvAiReplyRequestSchema, { msgid, openid, isDebug, msgs: segments });
    await enqueuePart(context, tx, message, { kind: replyKinds.v2, purpose, part: 'all', payload });
  } else {
    const text = quotation === '' ? reply.text : `${reply.text}\n\n${texts.sources}\n${quotation}`;
    for (const [index, content] of splitReply(text).entries()) {
      const payload = encode(RecvAiReplyRequestSchema, { msgid, openid, msgType: 'text', text: { content }, isDebug });
      await enqueuePart(context, tx, message, { kind: replyKinds.v1, purpose, part: String(index + 1), payload });
    }
  }
  tx.afterCommit(wake.dispatch);
}

/** The lane in which a conversation's replies are in order. */
export function laneOf(conversationId: string): string {
  return `conversation:${conversationId}`;
}

async function enqueuePart(
  { config }: Context,
  tx: Tx,
  message: RepliedTo,
  { kind, purpose, part, payload }: { kind: string; purpose: TextFor['purpose']; part: string; payload: string },
): Promise<void> {
  await enqueue(tx, {
    laneId: laneOf(message.conversationId),
    dedupeKey: `${purpose}:${message.messageId}:${part}`,
    kind,
    appid: message.appid,
    messageId: message.messageId,
    payload,
    windowMs: config.REPLY_WINDOW_HOURS * hourMs,
  });
}

function encode<Desc extends DescMessage>(schema: Desc, value: MessageInitShape<Desc>): string {
  return toJsonString(schema, create(schema, value));
}

/** What a failed reply was to say goes with its message; its row stays, and an operator may try to send it again. */
function decode<Desc extends DescMessage>(schema: Desc, payload: string): MessageShape<Desc> {
  if (payload === '') throw new CallError('what it was to say was deleted with its message', { verdict: 'permanent' });
  return fromJsonString(schema, payload);
}

/** Delivers answers by `recvaireply`. */
export function createReplySenderV1(bizcomm: BizcommClient): Sender {
  return async ({ payload }, signal) => {
    await bizcomm.recvAiReply(decode(RecvAiReplyRequestSchema, payload), signal);
  };
}

/** Delivers answers by `v2recvaireply`. */
export function createReplySenderV2(bizcomm: BizcommClient): Sender {
  return async ({ payload }, signal) => {
    await bizcomm.v2RecvAiReply(decode(V2RecvAiReplyRequestSchema, payload), signal);
  };
}

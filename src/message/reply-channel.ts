import type { Context } from '../context.ts';
import type { Tx } from '../db/tx.ts';
import type { Citation } from '../expert/expert.ts';
import type { AttachmentText } from './attachment/without-expert.ts';
import type { FixedReason } from './compose-answer.ts';
import type { PendingMessage } from './store.ts';

/** What a user is to read. */
export interface ReplyText {
  text: string;
  citations: readonly Citation[];
  /** Nothing that was found supports an answer: the text is the refusal. Absent: an answer, or what `fixedText` says. */
  refused?: boolean;
  /** Why a fixed text stands in place of an answer: a channel may have its own words for it. */
  fixedText?: FixedReason | undefined;
}

/** The message that a reply is to. */
export type RepliedTo = Pick<PendingMessage, 'messageId' | 'conversationId' | 'appid' | 'channel' | 'msgid' | 'openid'>;

/** How answers reach those who ask over a channel. Answering knows no more of it. */
export interface ReplyChannel {
  /**
   * Shows what there is of an answer so far, where whoever makes it still holds the conversation by `leaseToken`. Absent:
   * nobody sees drafts.
   */
  showDraft?(context: Context, message: RepliedTo, text: string, leaseToken: string): Promise<void>;
  /** Enqueues the answer to a message, within the transaction that commits it. */
  enqueueReply(context: Context, tx: Tx, message: RepliedTo, reply: ReplyText): Promise<void>;
  /** Asks for patience, once for a message; its answer follows. Absent: who asks over it sees that it takes time. */
  enqueuePleaseWait?(context: Context, tx: Tx, message: RepliedTo): Promise<void>;
  /** What is said over it of pictures and files; absent: none come. */
  textOf?(context: Context, message: RepliedTo, name: AttachmentText): Promise<string>;
}

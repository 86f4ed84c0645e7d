import type { AiRagCompleteItem } from '../../gen/wxmp/bizcomm/v1/bizcomm_pb.ts';
import type { SandboxMessage } from './articles/types.ts';
import { loadSandboxFiles } from './files/index.ts';

/** A reply that arrived. */
export interface ArrivedReply {
  call: 'recvaireply' | 'v2recvaireply';
  msgid: string;
  openid: string;
  isDebug: number;
  segments: { content: string; quotation: string }[];
}

/** How calls are made to fail. */
export interface Fault {
  /** The last part of the path, or * for all. */
  method: string;
  /** An HTTP status, an errcode with HTTP 200, no answer at all, a connection that breaks off. */
  kind: 'http' | 'errcode' | 'hang' | 'cut';
  status: number;
  errcode: number;
  retryAfterSeconds: number | undefined;
  /** How many more calls fail; undefined: all. */
  times: number | undefined;
}

/** What the stand-in WeChat side knows. */
export interface WechatState {
  /** Published messages, newest first. */
  messages: SandboxMessage[];
  replies: ArrivedReply[];
  notices: AiRagCompleteItem[];
  faults: Fault[];
  /** What is served at /files/{file_id}. */
  files: Map<string, Uint8Array>;
  /** Recordings by media_id; a text is the address where one is. */
  media: Map<string, Uint8Array | string>;
}

export function createWechatState(messages: readonly SandboxMessage[]): WechatState {
  const files = new Map(loadSandboxFiles().map(({ fileId, bytes }) => [fileId, bytes]));
  return { messages: [...messages], replies: [], notices: [], faults: [], files, media: new Map() };
}

/** The fault that a call meets, counted; undefined: it goes well. */
export function takeFault(state: WechatState, method: string): Fault | undefined {
  const fault = state.faults.find((each) => each.method === method || each.method === '*');
  if (fault?.times === undefined) return fault;
  fault.times--;
  if (fault.times <= 0) state.faults = state.faults.filter((each) => each !== fault);
  return fault;
}

/** Publishes a message, or puts it in the place of the one with its id. */
export function publish(state: WechatState, message: SandboxMessage): void {
  const at = state.messages.findIndex(({ articleId }) => articleId === message.articleId);
  if (at >= 0) state.messages[at] = message;
  else state.messages.unshift(message);
}

/** The frames of a long connection: JSON in text frames, and in binary ones as well. */
import { z } from 'zod';

/** Longer frames end the connection: WeCom's carry no media. */
export const maxFrameBytes = 4 * 1024 * 1024;

/** What we send. */
export interface Command {
  cmd: string;
  /** Our own, or that of the callback that it answers. */
  reqId: string;
  body?: object;
}

/** What WeCom says to one of ours. It names the req_id alone, not the frame. */
export interface Ack {
  reqId: string;
  errcode: number;
  errmsg: string;
  body: unknown;
}

/** A message or an event of a user; nothing of the body is known of, not even its depth. */
export interface Callback {
  reqId: string;
  kind: 'message' | 'event';
  body: unknown;
}

export type Frame = { ack: Ack } | { callback: Callback };

const schema = z.object({
  cmd: z.string().max(64).optional(),
  headers: z.object({ req_id: z.string().min(1).max(256) }),
  errcode: z.int32().optional(), // what is larger could not be stored
  errmsg: z.string().max(10_000).default('').catch(''),
  body: z.unknown().optional(),
});

const kinds: Record<string, Callback['kind']> = {
  aibot_msg_callback: 'message',
  aibot_event_callback: 'event',
};

/** Reads a frame; undefined: it is none of those that we know. */
export function readFrame(bytes: Uint8Array): Frame | undefined {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  const { success, data } = schema.safeParse(json);
  if (!success) return undefined;
  const { cmd, errcode, errmsg, body } = data;
  const reqId = data.headers.req_id;
  if (cmd === undefined) return errcode === undefined ? undefined : { ack: { reqId, errcode, errmsg, body } };
  const kind = kinds[cmd];
  return kind && { callback: { reqId, kind, body } };
}

export function writeFrame({ cmd, reqId, body }: Command): string {
  return JSON.stringify({ cmd, headers: { req_id: reqId }, ...(body !== undefined && { body }) });
}

/** A bot with a long connection that the test plays, frame by frame. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { until } from './until.ts';

export interface ReceivedFrame {
  cmd?: string;
  headers: { req_id: string };
  errcode?: number;
  errmsg?: string;
  // biome-ignore lint/suspicious/noExplicitAny: frames are looked at field by field
  body?: any;
}

export interface SocketBot {
  socket: WebSocket;
  received: ReceivedFrame[];
  /** Sends a frame and waits for nothing. */
  send(cmd: string, reqId: string, body?: unknown): void;
  /** Sends one, and returns its acknowledgement. */
  ask(cmd: string, body?: unknown, reqId?: string): Promise<ReceivedFrame>;
  /** The errcode of that. */
  code(cmd: string, body?: unknown, reqId?: string): Promise<number | undefined>;
  /** The acknowledgements for a req_id so far. */
  acks(reqId: string): ReceivedFrame[];
}

/** Dials; it is cut off with the test. */
export async function dial(t: Pick<TestContext, 'after'>, url: string): Promise<SocketBot> {
  const socket = new WebSocket(url);
  t.after(() => socket.terminate());
  const received: ReceivedFrame[] = [];
  socket.on('message', (data) => received.push(JSON.parse(String(data))));
  await once(socket, 'open');
  const acks = (reqId: string) => received.filter(({ cmd, headers }) => cmd === undefined && headers.req_id === reqId);
  const send = (cmd: string, reqId: string, body?: unknown) =>
    socket.send(JSON.stringify({ cmd, headers: { req_id: reqId }, body }));
  const ask = async (cmd: string, body?: unknown, reqId: string = randomUUID()) => {
    const before = acks(reqId).length;
    send(cmd, reqId, body);
    return until(`${cmd} is acknowledged`, () => acks(reqId)[before]);
  };
  return { socket, received, send, ask, acks, code: async (...args) => (await ask(...args)).errcode };
}

/** An engine that may misbehave in any way that HTTP/2 lets it: it writes gRPC's frames by hand. */
import { once } from 'node:events';
import {
  createSecureServer,
  createServer,
  type Http2Session,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type RunRequest, RunRequestSchema, RunResponseSchema } from '../../gen/expert/v1/expert_pb.ts';

export type Event = NonNullable<MessageInitShape<typeof RunResponseSchema>['event']>;

/** A call that has come in whole. */
export interface EngineCall {
  request: RunRequest;
  /** gRPC's own form: 2500m. */
  timeout: unknown;
  path: unknown;
  stream: ServerHttp2Stream;
  session: ServerHttp2Session;
  /** Resolves with the HTTP/2 code that the call ended by. */
  closed: Promise<number>;
}

export interface FakeRemoteExpert {
  url: string;
  port: number;
  calls: EngineCall[];
  /** How many connections are open, and were. */
  connections: { open: number; all: number };
  answer: (call: EngineCall) => unknown;
  /** Ends all connections at once. */
  close(): Promise<void>;
}

export async function startFakeRemoteExpert(
  answer: FakeRemoteExpert['answer'],
  { tls, port = 0, host = '127.0.0.1' }: { tls?: { key: string; cert: string }; port?: number; host?: string } = {},
): Promise<FakeRemoteExpert> {
  const sessions = new Set<Http2Session>();
  const server = tls === undefined ? createServer() : createSecureServer(tls);
  server.on('session', (session: Http2Session) => {
    sessions.add(session);
    fake.connections.open += 1;
    fake.connections.all += 1;
    session
      .on('error', () => {})
      .once('close', () => {
        sessions.delete(session);
        fake.connections.open -= 1;
      });
  });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const session = stream.session as ServerHttp2Session;
    const chunks: Buffer[] = [];
    stream.on('error', () => {}).on('data', (chunk: Buffer) => chunks.push(chunk));
    const closed = new Promise<number>((resolve) => stream.once('close', () => resolve(stream.rstCode ?? 0)));
    stream.once('end', () => {
      const request = fromBinary(RunRequestSchema, Buffer.concat(chunks).subarray(5));
      const call = { request, timeout: headers['grpc-timeout'], path: headers[':path'], stream, session, closed };
      fake.calls.push(call);
      if (!stream.destroyed) fake.answer(call);
    });
  });
  server.listen(port, host);
  await once(server, 'listening');
  const listening = (server.address() as AddressInfo).port;
  const fake: FakeRemoteExpert = {
    url: `http${tls === undefined ? '' : 's'}://${host.includes(':') ? `[${host}]` : host}:${listening}`,
    port: listening,
    calls: [],
    connections: { open: 0, all: 0 },
    answer,
    async close() {
      for (const session of sessions) session.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

/** Sends the headers. */
export function begin({ stream }: EngineCall): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.close());
}

/** A message as it goes over the wire; `claimed`: the length that it claims to have. */
export function frame(message: Uint8Array, { claimed = message.length, flags = 0 } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(claimed, 1);
  return Buffer.concat([head, message]);
}

export const encode = (event: Event): Buffer =>
  frame(toBinary(RunResponseSchema, create(RunResponseSchema, { event })));

/** Sends drafts (texts) and finals; the call stays open. */
export function send({ stream }: EngineCall, ...events: (Event | string)[]): void {
  for (const event of events)
    stream.write(encode(typeof event === 'string' ? { case: 'draft', value: { text: event } } : event));
}

/** Ends the call with gRPC's status. */
export function end({ stream }: EngineCall, status = 0, message = ''): void {
  stream.removeAllListeners('wantTrailers');
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status, 'grpc-message': message }));
  stream.end();
}

/** Answers as the contract has it. */
export const answering =
  (...events: (Event | string)[]) =>
  (call: EngineCall): void => {
    if (call.stream.destroyed) return;
    begin(call);
    send(call, ...events);
    end(call);
  };

export const final = (value: Extract<Event, { case: 'final' }>['value']): Event => ({ case: 'final', value });

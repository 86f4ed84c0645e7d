/** Stands between the service and the WeChat side, and keeps what the service sent as it was on the wire. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it came, without what differs from run to run (host, content-length). */
export interface RecordedRequest {
  /** Method, path and query. */
  line: string;
  headers: Record<string, string>;
  body: string;
}

export interface Recorder {
  url: string;
  /** What came, oldest first. */
  requests: RecordedRequest[];
  /** Where requests go that `answer` leaves alone. Unset: they are answered with errcode 0. */
  forwardTo?: string;
  /** Answers in the WeChat side's place, with JSON. */
  answer?: (request: RecordedRequest) => string | undefined;
  close(): Promise<void>;
}

export async function startRecorder(): Promise<Recorder> {
  const server = createServer(async (request, response) => {
    const recorded = await record(request);
    recorder.requests.push(recorded);
    const given = recorder.answer?.(recorded) ?? (recorder.forwardTo ? undefined : '{"errcode":0,"errmsg":"ok"}');
    response.setHeader('content-type', 'application/json');
    if (given !== undefined) response.end(given);
    else response.end(await forward(`${recorder.forwardTo}${request.url}`, recorded.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const recorder: Recorder = {
    url: `http://127.0.0.1:${port}`,
    requests: [],
    close: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()),
  };
  return recorder;
}

async function record(request: IncomingMessage): Promise<RecordedRequest> {
  const body = Buffer.concat(await request.toArray()).toString();
  const { host: _, 'content-length': length, ...headers } = request.headers;
  assert.equal(Number(length), Buffer.byteLength(body), 'content-length counts the bytes of the body');
  return { line: `${request.method} ${request.url}`, headers: headers as Record<string, string>, body };
}

async function forward(url: string, body: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(10_000) });
  return answer.text();
}

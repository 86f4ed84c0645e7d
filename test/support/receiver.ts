/** A programmable HTTP server that stands before the WeChat side, or in its place. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A call that arrived. */
export interface Arrived {
  /** The last part of the path. */
  method: string;
  // biome-ignore lint/suspicious/noExplicitAny: bodies are looked at field by field
  body: any;
  request: IncomingMessage;
  response: ServerResponse;
}

export interface Receiver {
  url: string;
  arrived: Arrived[];
  close(): Promise<void>;
}

/** Starts a receiver. `answer` ends the response, or leaves it hanging. */
export async function startReceiver(answer: (call: Arrived) => void | Promise<void>): Promise<Receiver> {
  const arrived: Arrived[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const method = /(\w+)(\?|$)/.exec(request.url ?? '')?.[1] ?? '';
    const call = { method, body: text === '' ? undefined : JSON.parse(text), request, response };
    arrived.push(call);
    await (async () => answer(call))().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrived, close };
}

/** Passes a call on to another server and its answer back. */
export async function passOn({ body, request, response }: Arrived, url: string): Promise<void> {
  const answer = await fetch(url + request.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  response.writeHead(answer.status, { 'content-type': 'application/json' });
  response.end(await answer.text());
}

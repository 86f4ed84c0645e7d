/** An OpenAI-compatible endpoint whose answers the test writes: streamed, broken or none. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A chat completion that was asked for. */
export interface AskedCompletion {
  // biome-ignore lint/suspicious/noExplicitAny: bodies are looked at field by field
  body: any;
  system: string;
  user: string;
  request: IncomingMessage;
  response: ServerResponse;
  /** The connection was closed by the one who asked, before the answer ended. */
  wasAborted: boolean;
}

export interface FakeLlm {
  /** With /v1. */
  url: string;
  asked: AskedCompletion[];
  /** What is done with each request; what it throws breaks the connection. */
  answer: (asked: AskedCompletion) => unknown;
  close(): Promise<void>;
}

export async function startFakeLlm(answer: FakeLlm['answer'] = sendPieces(['好的。[1]'])): Promise<FakeLlm> {
  const asked: AskedCompletion[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString());
    const [{ content: system }, { content: user }] = body.messages;
    const one: AskedCompletion = { body, system, user, request, response, wasAborted: false };
    response.on('close', () => {
      one.wasAborted = !response.writableEnded;
    });
    asked.push(one);
    await (async () => fake.answer(one))().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeLlm = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    answer,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

/** Starts a stream of events. */
export function beginStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
}

export function sendEvent(response: ServerResponse, event: unknown): void {
  response.write(`data: ${JSON.stringify(event)}\n\n`);
}

/** One piece of the answer. */
export function sendDelta(response: ServerResponse, delta: Record<string, unknown>): void {
  sendEvent(response, { object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: null }] });
}

/** Ends the answer as it should be ended. */
export function endStream(
  response: ServerResponse,
  { finish = 'stop', usage }: { finish?: string; usage?: { prompt_tokens: number; completion_tokens: number } } = {},
): void {
  sendEvent(response, { choices: [{ index: 0, delta: {}, finish_reason: finish }] });
  if (usage !== undefined) sendEvent(response, { choices: [], usage });
  response.end('data: [DONE]\n\n');
}

/** An answer in these pieces. */
export function sendPieces(pieces: readonly string[], end: Parameters<typeof endStream>[1] = {}): FakeLlm['answer'] {
  return ({ response }) => {
    beginStream(response);
    for (const content of pieces) sendDelta(response, { content });
    endStream(response, end);
  };
}

/** An HTTP error as OpenAI words it. */
export function sendError(status: number, error: Record<string, unknown> = {}): FakeLlm['answer'] {
  return ({ response }) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { message: 'planted secret sk-leak', ...error } }));
  };
}

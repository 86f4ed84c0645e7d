/** An endpoint with OpenAI's /moderations: it flags what the test wants, fails, or answers anything. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A judgement that was asked for. */
export interface AskedJudgement {
  path: string;
  authorization: string | undefined;
  model: string;
  input: string[];
  request: IncomingMessage;
  response: ServerResponse;
  /** The connection was closed by the one who asked, before there was an answer. */
  wasAborted: boolean;
}

export interface FakeModeration {
  /** With /v1. */
  url: string;
  asked: AskedJudgement[];
  /** What is done with each request; what it throws breaks the connection. */
  answer: (asked: AskedJudgement) => unknown;
  close(): Promise<void>;
}

export async function startFakeModeration(answer: FakeModeration['answer'] = flagWords({})): Promise<FakeModeration> {
  const asked: AskedJudgement[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { model, input } = JSON.parse(Buffer.concat(chunks).toString());
    const { authorization } = request.headers;
    const one = { path: request.url ?? '', authorization, model, input, request, response, wasAborted: false };
    response.on('close', () => {
      one.wasAborted = !response.writableEnded;
    });
    asked.push(one);
    await (async () => fake.answer(one))().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeModeration = {
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

/** Flags each text that has one of the words, for the word's categories. */
export function flagWords(categoriesOf: Record<string, string | string[]>): FakeModeration['answer'] {
  const all = [...new Set(Object.values(categoriesOf).flat()), 'never'];
  return ({ input, response }) => {
    const results = input.map((text) => {
      const names = Object.entries(categoriesOf).flatMap(([word, of]) => (text.includes(word) ? of : []));
      return { flagged: names.length > 0, categories: Object.fromEntries(all.map((n) => [n, names.includes(n)])) };
    });
    sendJson(response, { id: 'modr-1', model: 'fake', results });
  };
}

export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

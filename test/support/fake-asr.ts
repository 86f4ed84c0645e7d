/** An OpenAI-compatible endpoint that transcribes: it answers what the test wants, and keeps what it was sent. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeAsr {
  url: string;
  /** The next answers, by status and text; the last one stays. */
  answers: { status: number; text: string }[];
  heard: { path: string; authorization: string; model: string; name: string; bytes: Uint8Array }[];
  close(): Promise<void>;
}

export async function startFakeAsr(): Promise<FakeAsr> {
  const fake: FakeAsr = { url: '', answers: [], heard: [], close: () => Promise.resolve() };
  const server = createServer(async (request, response) => {
    const body = new Response(ReadableStream.from<Uint8Array>(request), {
      headers: { 'content-type': request.headers['content-type']! },
    });
    const form = await body.formData();
    const file = form.get('file') as File;
    fake.heard.push({
      path: request.url ?? '',
      authorization: request.headers.authorization ?? '',
      model: String(form.get('model')),
      name: file.name,
      bytes: new Uint8Array(await file.arrayBuffer()),
    });
    const { status, text } = fake.answers.length > 1 ? fake.answers.shift()! : fake.answers[0]!;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ text }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  fake.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return fake;
}

import { randomBytes } from 'node:crypto';
import { readBytes } from '../../rpc/body.ts';
import { type AnyRequest, type AnyResponse, writeJson } from '../../rpc/json-routes.ts';
import { keepIn } from './keep-in.ts';

const maxMediaBytes = 32 * 1024 * 1024;
const maxResponseBytes = 256 * 1024;
/** So many files and addresses are kept. */
const maxKept = 200;

/** Said of an address that was used before, or never given out. */
const spent = { errcode: 40_058, errmsg: 'invalid response_code' };

interface Kept {
  /** What came by each address; undefined: nothing yet. */
  responses: Map<string, string | undefined>;
  media: Map<string, { name: string; bytes: Buffer }>;
}

/**
 * What of WeCom stands still while `say` comes and goes: the addresses that take one response each, and the host of
 * files. False: the path is none of them.
 */
export function createWecomRoutes(urlOf: () => string) {
  const kept: Kept = { responses: new Map(), media: new Map() };
  return (request: AnyRequest, response: AnyResponse): boolean => {
    const [pathname = '', query] = (request.url ?? '').split('?', 2);
    const searchParams = new URLSearchParams(query);
    const code = searchParams.get('response_code') ?? '';
    const isPost = request.method === 'POST';
    if (pathname === '/cgi-bin/aibot/response' && isPost) {
      void answer(response, async () => takeResponse(kept, code, await read(request, maxResponseBytes)));
    } else if (pathname === '/sandbox/wecom/response_urls' && isPost) {
      void answer(response, async () => ({
        response_url: `${urlOf()}/cgi-bin/aibot/response?response_code=${give(kept)}`,
      }));
    } else if (pathname === '/sandbox/wecom/responses') {
      const body = kept.responses.get(code);
      writeJson(response, 200, { responses: body === undefined ? [] : [JSON.parse(body)] });
    } else if (pathname === '/sandbox/wecom/media' && isPost) {
      const name = searchParams.get('name') ?? '';
      void answer(response, async () => {
        const id = keep(kept.media, { name, bytes: await read(request, maxMediaBytes) });
        return { url: `${urlOf()}/wecom/media/${id}` };
      });
    } else if (pathname.startsWith('/wecom/media/')) writeMedia(kept, response, pathname.slice('/wecom/media/'.length));
    else return false;
    return true;
  };
}

const read = (request: AnyRequest, maxBodyBytes: number) => readBytes(request, { maxBodyBytes, bodyTimeoutMs: 10_000 });

async function answer(response: AnyResponse, work: () => Promise<object>): Promise<void> {
  try {
    writeJson(response, 200, await work());
  } catch (error) {
    writeJson(response, 400, { errcode: 40_001, errmsg: error instanceof Error ? error.message : 'bad request' });
  }
}

/** Takes one response at an address that was given out. */
function takeResponse({ responses }: Kept, code: string, body: Buffer): object {
  if (!responses.has(code) || responses.get(code) !== undefined) return spent;
  const text = body.toString();
  JSON.parse(text);
  responses.set(code, text);
  return { errcode: 0, errmsg: 'ok' };
}

function give({ responses }: Kept): string {
  return keep(responses, undefined);
}

/** Keeps a value under a new id, and forgets the oldest of too many. */
function keep<T>(map: Map<string, T>, value: T): string {
  const id = randomBytes(16).toString('hex');
  keepIn(map, id, value, maxKept);
  return id;
}

function writeMedia({ media }: Kept, response: AnyResponse, id: string): void {
  const file = media.get(id);
  if (file === undefined) {
    writeJson(response, 404, { errmsg: 'no such file' });
    return;
  }
  response.setHeader('content-type', 'application/octet-stream');
  response.setHeader('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`);
  response.setHeader('content-length', file.bytes.length);
  response.end(file.bytes);
}

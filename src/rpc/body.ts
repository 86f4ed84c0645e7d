import type { JsonObject } from '@bufbuild/protobuf';
import { AppError } from '../errors.ts';
import type { AnyRequest } from './json-routes.ts';
import { isObject } from './json-shape.ts';

export interface BodyLimits {
  /** A larger body is refused with 413. */
  maxBodyBytes: number;
  /** A body that takes longer to arrive is refused with 408. */
  bodyTimeoutMs: number;
}

/** What isn't this protocol at all is refused with an HTTP status of its own. */
export class HttpRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'HttpRefusal';
    this.status = status;
  }
}

/** Reads a JSON object in UTF-8. Throws HttpRefusal (408, 413, 415) or AppError (WRONG_SHAPE). */
export async function readJsonObject(request: AnyRequest, limits: BodyLimits): Promise<JsonObject> {
  checkType(request.headers['content-type'], request.headers['content-encoding']);
  const bytes = await readBytes(request, limits);
  const json = parse(bytes);
  if (!isObject(json)) throw new AppError('WRONG_SHAPE', 'the body must be a JSON object');
  return json;
}

function checkType(type: string | undefined, encoding: string | string[] | undefined): void {
  if (encoding !== undefined && encoding !== 'identity')
    throw new HttpRefusal(415, 'a body may not be compressed here');
  // Without a type it is refused as well: a web page could send that to a loopback listener without asking first.
  const [name, ...parameters] = (type ?? '').toLowerCase().split(';');
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith('charset='));
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  if (name?.trim() !== 'application/json' || !isUtf8) throw new HttpRefusal(415, 'application/json in UTF-8 only');
}

/** Reads a body. Throws an HttpRefusal; the request isn't destroyed then: its caller is to get the answer. */
export function readBytes(request: AnyRequest, { maxBodyBytes, bodyTimeoutMs }: BodyLimits): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const tooLarge = new HttpRefusal(413, `a body may have at most ${maxBodyBytes} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge;
  const chunks: Buffer[] = [];
  let length = 0;
  const read = (chunk: Buffer) => {
    length += chunk.length;
    if (length > maxBodyBytes) refuse(tooLarge);
    else chunks.push(chunk);
  };
  const refuse = (reason: Error) => {
    request.off('data', read).pause();
    reject(reason);
  };
  const timer = setTimeout(() => refuse(new HttpRefusal(408, 'the body took too long to arrive')), bodyTimeoutMs);
  request
    .on('data', read)
    .once('end', () => resolve(Buffer.concat(chunks)))
    .once('error', reject)
    .once('close', () => reject(new AppError('UNAVAILABLE', 'the request was cut off')));
  return promise.finally(() => clearTimeout(timer));
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new AppError('WRONG_SHAPE', 'the body is not JSON in UTF-8');
  }
}

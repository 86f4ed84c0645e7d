import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import {
  type DescMessage,
  type DescService,
  fromJson,
  getOption,
  hasOption,
  type JsonObject,
  type JsonValue,
  type MessageShape,
  toJson,
} from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  createHandlerContext,
  createServiceImplSpec,
  type Interceptor,
  type MethodImplSpec,
  type ServiceImpl,
} from '@connectrpc/connect';
import { invokeUnaryImplementation, transformInvokeImplementation } from '@connectrpc/connect/protocol';
import { http } from '../../gen/google/api/annotations_pb.ts';
import { AppError } from '../errors.ts';
import type { Admission } from './admission/admission.ts';
import type { Auth } from './auth.ts';
import { type BodyLimits, HttpRefusal, readJsonObject } from './body.ts';
import { toConnectError, toEnvelope } from './errors.ts';
import { checkShape } from './json-shape.ts';
import { requestIdHeader } from './request-id.ts';

/** A request of either HTTP version, and its answer. */
export type AnyRequest = IncomingMessage | Http2ServerRequest;
export type AnyResponse = ServerResponse | Http2ServerResponse;

/** A service and what implements it. */
export interface Served {
  service: DescService;
  implementation: ServiceImpl<DescService>;
}

export interface JsonRouteOptions extends BodyLimits {
  /** Who may call; absent: anyone. */
  auth?: Auth;
  /** Whether there is room for one more call; absent: always. */
  admission?: Admission;
  interceptors: Interceptor[];
}

/** Serves a request whose path is a route and returns true; false: the path is none of ours. */
export type JsonRoutes = (request: AnyRequest, response: AnyResponse) => boolean;

/**
 * Makes the JSON routes from the contract's `google.api.http` options: POST only, the contract's own keys, numbers for
 * enumerations, zero values written out, every answer with its errcode (design section 7).
 */
export function createJsonRoutes(services: readonly Served[], options: JsonRouteOptions): JsonRoutes {
  const routes = new Map<string, MethodImplSpec>();
  for (const { service, implementation } of services) {
    for (const method of Object.values(createServiceImplSpec(service, implementation).methods)) {
      if (options.auth?.exists(method.method) === false) continue;
      for (const path of pathsOf(method)) routes.set(path, method);
    }
  }
  return (request, response) => {
    const method = routes.get((request.url ?? '').split('?', 1)[0]!);
    if (method === undefined) return false;
    serve(method, request, response, options).catch((error) => writeError(request, response, error));
    return true;
  };
}

function pathsOf({ method }: MethodImplSpec): string[] {
  if (!hasOption(method, http)) return [];
  const rule = getOption(method, http);
  return [rule, ...rule.additionalBindings].flatMap(({ pattern }) => (pattern.case === 'post' ? [pattern.value] : []));
}

async function serve(
  spec: MethodImplSpec,
  request: AnyRequest,
  response: AnyResponse,
  options: JsonRouteOptions,
): Promise<void> {
  if (request.method !== 'POST') throw new HttpRefusal(405, 'POST only');
  options.auth?.check(spec.method, request.headers.authorization);
  options.admission?.checkRoom(spec.method);
  const input = decode(spec.method.input, await readJsonObject(request, options));
  const gone = new AbortController();
  response.once('close', () => gone.abort(new ConnectError('the caller is gone', Code.Canceled)));
  const context = createHandlerContext({
    service: spec.method.parent,
    method: spec.method,
    protocolName: 'json',
    requestMethod: 'POST',
    url: `http://localhost${request.url}`,
    requestHeader: headersOf(request),
    requestSignal: gone.signal,
  });
  const { interceptors } = options;
  if (spec.kind === 'unary') {
    const output = await invokeUnaryImplementation(spec, context, input, interceptors);
    writeJson(response, 200, { errcode: 0, errmsg: 'ok', ...encode(spec.method.output, output) });
  } else {
    const outputs = transformInvokeImplementation(spec, context, interceptors)(only(input));
    await writeLines(request, response, spec.method.output, outputs);
  }
}

/** A present list counts though it is empty, where the contract has a `set_…` beside it. */
function decode<Desc extends DescMessage>(message: Desc, json: JsonObject): MessageShape<Desc> {
  checkShape(message, json);
  const present = message.fields.filter(({ name, fieldKind }) => fieldKind === 'list' && Array.isArray(json[name]));
  const flags = present
    .map(({ name }) => `set_${name}`)
    .filter((flag) => message.fields.some(({ name }) => name === flag));
  const given: JsonObject = { ...json, ...Object.fromEntries(flags.map((flag) => [flag, true])) };
  try {
    return fromJson(message, given, { ignoreUnknownFields: true });
  } catch (cause) {
    throw new AppError('WRONG_SHAPE', 'the body does not fit the contract', { cause });
  }
}

function encode<Desc extends DescMessage>(message: Desc, value: MessageShape<Desc>): JsonObject {
  const json: JsonValue = toJson(message, value, {
    alwaysEmitImplicit: true,
    enumAsInteger: true,
    useProtoFieldName: true,
  });
  return json as JsonObject;
}

/** A stream over JSON: a line per message, the last one with the errcode. */
async function writeLines<Desc extends DescMessage>(
  request: AnyRequest,
  response: AnyResponse,
  message: Desc,
  outputs: AsyncIterable<MessageShape<Desc>>,
): Promise<void> {
  let begun = false;
  const line = (json: unknown) => {
    if (!begun) response.setHeader('content-type', 'application/x-ndjson; charset=utf-8');
    begun = true;
    (response as ServerResponse).write(`${JSON.stringify(json)}\n`);
  };
  try {
    for await (const output of outputs) line(encode(message, output));
    line({ errcode: 0, errmsg: 'ok' });
  } catch (error) {
    if (!begun) throw error;
    line(toEnvelope(toTold(request, error)).body);
  }
  response.end();
}

function writeError(request: AnyRequest, response: AnyResponse, error: unknown): void {
  const { httpStatus, body } = toEnvelope(toTold(request, error));
  const status = error instanceof HttpRefusal ? error.status : httpStatus;
  // What is left of a body is not read: the connection, or with HTTP/2 the stream, ends after the answer.
  const isCut = status === 408 || status === 413;
  if (isCut && 'shouldKeepAlive' in response) response.shouldKeepAlive = false;
  writeJson(response, status, body, status === 405 ? { allow: 'POST' } : {});
  if (isCut && 'stream' in response) response.stream.close();
}

export function writeJson(
  response: AnyResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  response.statusCode = status;
  response.setHeader('content-type', 'application/json; charset=utf-8');
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(JSON.stringify(body));
}

/** What the interceptors threw is told already; what came before them is told here. */
function toTold(request: AnyRequest, error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  const requestId = String(request.headers[requestIdHeader] ?? '');
  if (error instanceof AppError) return toConnectError(error, requestId);
  if (error instanceof HttpRefusal) {
    return toConnectError(new AppError(refusalReasons[error.status] ?? 'WRONG_SHAPE', error.message), requestId);
  }
  return toConnectError(new AppError('INTERNAL', `internal error (request ${requestId})`), requestId);
}

const refusalReasons: Record<number, 'INVALID_FIELD' | 'NOT_FOUND'> = { 404: 'NOT_FOUND', 413: 'INVALID_FIELD' };

async function* only<T>(value: T) {
  yield value;
}

function headersOf(request: AnyRequest): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value === 'string' && !name.startsWith(':')) headers.set(name, value);
  }
  return headers;
}

import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromJson,
  getOption,
  hasOption,
  type JsonValue,
  type MessageInitShape,
  type MessageShape,
  toJson,
} from '@bufbuild/protobuf';
import { Agent, type Dispatcher, request } from 'undici';
import { http } from '../../gen/google/api/annotations_pb.ts';
import { BizcommService } from '../../gen/wxmp/bizcomm/v1/bizcomm_pb.ts';
import { CallError, describeError } from '../errors.ts';
import { classifyErrcode } from './errcode.ts';

/** The WeChat side's API. Each call throws a CallError when it failed. */
export type BizcommClient = ReturnType<typeof createBizcommClient>;

export interface BizcommOptions {
  /** Base addresses; each call takes the next one, and so does the repeat of a call that failed. */
  urls: readonly string[];
  appname: string;
  timeoutMs: number;
  /** The WeChat side is https at an IP: whom to trust, and which name its certificate must have. */
  ca?: Buffer | undefined;
  servername?: string | undefined;
}

/** An answer may hold a page of twenty messages with all their texts. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** Makes the client from the contract: paths come from its http options. */
export function createBizcommClient(options: BizcommOptions) {
  const { ca, servername, timeoutMs } = options;
  const agent = new Agent({
    connect: { timeout: timeoutMs, ...(ca && { ca }), ...(servername && { servername }) },
    maxResponseSize: maxAnswerBytes,
  });
  let turn = 0;
  const caller =
    <Input extends DescMessage, Output extends DescMessage>(method: DescMethodUnary<Input, Output>) =>
    async (input: MessageInitShape<Input>, signal: AbortSignal): Promise<MessageShape<Output>> => {
      const base = options.urls[turn++ % options.urls.length];
      const url = `${base}${pathOf(method)}?appname=${encodeURIComponent(options.appname)}`;
      const body = JSON.stringify(toJson(method.input, create(method.input, input), jsonForm));
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      try {
        return fromJson(method.output, await post(agent, url, body, limit), { ignoreUnknownFields: true });
      } catch (error) {
        throw named(error, method.name);
      }
    };
  const { method } = BizcommService;
  return {
    aiRagComplete: caller(method.aiRagComplete),
    getBizPublishList: caller(method.getBizPublishList),
    recvAiReply: caller(method.recvAiReply),
    v2RecvAiReply: caller(method.v2RecvAiReply),
    fetchMediaById: caller(method.fetchMediaById),
    /** Breaks off what is under way, and resolves when every connection is closed. */
    close: () => agent.destroy(),
  };
}

/** Numbers for enumerations and the contract's own keys; what has to be written although zero is `optional` there. */
const jsonForm = { useProtoFieldName: true, enumAsInteger: true } as const;

function pathOf(method: DescMethodUnary): string {
  const rule = hasOption(method, http) ? getOption(method, http) : undefined;
  if (rule?.pattern.case !== 'post') throw new Error(`${method.name} has no http option`);
  return rule.pattern.value;
}

/** Posts JSON and returns the JSON of the answer, unless it or its errcode says that the call failed. */
async function post(dispatcher: Dispatcher, url: string, body: string, signal: AbortSignal): Promise<JsonValue> {
  const {
    statusCode,
    headers,
    body: answer,
  } = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body,
    signal,
    dispatcher,
  });
  const text = await answer.text();
  const retryAfterMs = parseRetryAfter(headers['retry-after']);
  // A redirect is not followed: the WeChat side has no reason to send us elsewhere.
  if (statusCode < 200 || statusCode > 299)
    throw new CallError(`HTTP ${statusCode}`, { status: statusCode, retryAfterMs });
  const json = parseObject(text);
  const errcode = Number(json.errcode ?? 0);
  if (errcode !== 0) {
    const errmsg = String(json.errmsg ?? '').slice(0, 200);
    throw new CallError(`errcode ${errcode} ${errmsg}`, { verdict: classifyErrcode(errcode), retryAfterMs });
  }
  return json;
}

function parseObject(text: string): Record<string, JsonValue> {
  if (text.trim() === '') return {}; // the seed names no answer for replies
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CallError('the answer is not JSON', { cause });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new CallError('the answer is no object');
  return json as Record<string, JsonValue>;
}

/** Seconds or a date, as HTTP has it. */
function parseRetryAfter(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

function named(error: unknown, method: string): CallError {
  if (error instanceof CallError) {
    const { status, verdict, retryAfterMs } = error;
    return new CallError(`${method}: ${describeError(error)}`, { status, verdict, retryAfterMs });
  }
  return new CallError(method, { cause: error });
}

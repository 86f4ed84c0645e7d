import { toJson } from '@bufbuild/protobuf';
import { z } from 'zod';
import { AiRagCompleteItemSchema } from '../../gen/wxmp/bizcomm/v1/bizcomm_pb.ts';
import { AppError } from '../errors.ts';
import { HttpRefusal, readJsonObject } from '../rpc/body.ts';
import { type AnyRequest, type AnyResponse, writeJson } from '../rpc/json-routes.ts';
import { publish, type WechatState } from './wechat-state.ts';

/** Serves the sandbox's own paths, see README.md. False: the path is none of them. */
export function createControls(state: WechatState) {
  return (request: AnyRequest, response: AnyResponse): boolean => {
    const [path, query] = (request.url ?? '').split('?', 2) as [string, string?];
    const file = /^\/files\/([\w-]{1,128})$/.exec(path);
    const article = /^\/s\/([^/]+)\/(\d+)$/.exec(path);
    if (file) writeFile(state, response, file[1]!);
    else if (article) writeArticle(state, response, article[1]!, Number(article[2]));
    else if (path === '/sandbox/replies') {
      const openid = new URLSearchParams(query).get('openid');
      const replies = state.replies.filter((reply) => openid === null || reply.openid === openid);
      writeJson(response, 200, { replies });
    } else if (path === '/sandbox/notices') {
      const notices = state.notices.map((notice) => toJson(AiRagCompleteItemSchema, notice, noticeForm));
      writeJson(response, 200, { notices });
    } else if (path === '/sandbox/articles') void change(request, response, (body) => publishFrom(state, body));
    else if (path === '/sandbox/faults') void change(request, response, (body) => setFault(state, body));
    else return false;
    return true;
  };
}

const noticeForm = { useProtoFieldName: true, enumAsInteger: true } as const;

const articleSchema = z.object({
  article_id: z.string().min(1).max(128),
  items: z.array(
    z.object({
      title: z.string(),
      content: z.string(),
      is_deleted: z.boolean().default(false),
      is_pay_subscribe: z.boolean().default(false),
    }),
  ),
});

function publishFrom(state: WechatState, body: unknown): void {
  const { article_id: articleId, items } = articleSchema.parse(body);
  publish(state, {
    articleId,
    createTime: Math.floor(Date.now() / 1000),
    items: items.map(({ title, content, is_deleted: isDeleted, is_pay_subscribe: isPaySubscribe }) => ({
      ...{ title, content, isDeleted, isPaySubscribe },
      author: '',
      digest: '',
    })),
  });
}

const faultSchema = z.object({
  method: z.string().default('*'),
  kind: z.enum(['http', 'errcode', 'hang', 'cut', 'none']),
  status: z.number().int().default(503),
  errcode: z.number().int().default(-1),
  retry_after: z.number().optional(),
  times: z.number().int().positive().optional(),
});

function setFault(state: WechatState, body: unknown): void {
  const { method, kind, status, errcode, retry_after: retryAfterSeconds, times } = faultSchema.parse(body);
  state.faults = state.faults.filter((fault) => method !== '*' && fault.method !== method);
  if (kind !== 'none') state.faults.push({ method, kind, status, errcode, retryAfterSeconds, times });
}

async function change(request: AnyRequest, response: AnyResponse, apply: (body: unknown) => void): Promise<void> {
  try {
    apply(await readJsonObject(request, { maxBodyBytes: 4 * 1024 * 1024, bodyTimeoutMs: 10_000 }));
    writeJson(response, 200, { errcode: 0, errmsg: 'ok' });
  } catch (error) {
    const isBad = error instanceof z.ZodError || error instanceof AppError || error instanceof HttpRefusal;
    writeJson(response, isBad ? 400 : 500, { errmsg: isBad ? error.message : 'internal error' });
  }
}

/** A file as it is fetched to be learned. */
function writeFile(state: WechatState, response: AnyResponse, fileId: string): void {
  const bytes = state.files.get(fileId);
  if (bytes === undefined) {
    writeJson(response, 404, { errmsg: 'no such file' });
    return;
  }
  response.setHeader('content-type', 'application/octet-stream');
  response.setHeader('content-length', bytes.length);
  response.end(bytes);
}

/** The article as a reader sees it. The page may run no script: its text may have come from a control. */
function writeArticle(state: WechatState, response: AnyResponse, id: string, msgidx: number): void {
  const item = state.messages.find(({ articleId }) => encodeURIComponent(articleId) === id)?.items[msgidx - 1];
  if (item === undefined || item.isDeleted) {
    writeJson(response, 404, { errmsg: 'no such article' });
    return;
  }
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.setHeader('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox");
  const title = item.title.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  response.end(`<!doctype html><meta charset="utf-8"><title>${title}</title>
<body style="max-width: 40em; margin: 2em auto; font-family: sans-serif; line-height: 1.7"><h1>${title}</h1>${item.content}`);
}

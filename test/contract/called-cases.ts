/** Makes the service send every request that it sends to the WeChat side, and tells them as they were on the wire. */
import assert from 'node:assert/strict';
import { createBizcommClient } from '../../src/bizcomm/client.ts';
import { toConfig } from '../../src/config.ts';
import type { Context } from '../../src/context.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createFixedTexts } from '../../src/message/fixed-texts.ts';
import { enqueueReply } from '../../src/message/reply-dispatch.ts';
import type { PendingMessage } from '../../src/message/store.ts';
import { normalise } from '../support/golden.ts';
import type { RecordedRequest, Recorder } from '../support/recorder.ts';
import { article, type Service, startService, testEnv } from '../support/service.ts';
import { until } from '../support/until.ts';

/** What a request is an example of, and how to tell it from the others: by its path, and by what its body has. */
type Example = [method: string, says: string, has: Record<string, unknown>];

const appid = 'wx_golden';

const examples: Example[] = [
  ['GetBizPublishList', 'the first page of the first learning', { appid, fetch_type: 0, offset: 0 }],
  ['GetBizPublishList', 'the first page of the supplement', { appid, fetch_type: 0, offset: 2 }],
  ['GetBizPublishList', 'one item of a message', { appid, fetch_type: 1, article_id: 'a1' }],
  ['GetBizPublishList', 'all items of a message', { appid, fetch_type: 1, article_id: 'a2' }],
  ['AiRagComplete', 'learned, and nothing follows', { appid: 'wx_few', event_type: 1 }],
  ['AiRagComplete', 'learned, and a supplement follows', { appid, event_type: 2 }],
  ['AiRagComplete', 'the supplement is done', { appid, event_type: 3 }],
  ['AiRagComplete', 'an item was added', { event_id: 'added-1' }],
  ['AiRagComplete', 'a message was updated', { event_id: 'updated-0' }],
  ['AiRagComplete', 'an item was updated', { event_id: 'updated-1' }],
  ['AiRagComplete', 'a message was banned', { event_id: 'banned-0' }],
  ['AiRagComplete', 'an item was unbanned', { event_id: 'unbanned-1' }],
  ['AiRagComplete', 'an item was deleted', { event_id: 'deleted-1' }],
  ['AiRagComplete', 'a message was deleted', { event_id: 'deleted-0' }],
  ['AiRagComplete', 'a file can not be parsed', { event_id: 'file-added' }],
  ['AiRagComplete', 'a file was deleted', { event_id: 'file-deleted' }],
  ['V2RecvAiReply', 'an answer with its source', { msgid: 'cited' }],
  ['V2RecvAiReply', 'a refusal has no source', { msgid: 'refused' }],
  ['V2RecvAiReply', 'an answer to the owner, while debugging', { msgid: 'debug' }],
  ['V2RecvAiReply', 'an answer in segments, the sources on the last', { msgid: 'long' }],
  ['RecvAiReply', 'an answer with its source', { msgid: 'cited-1' }],
  ['RecvAiReply', 'an answer in segments: a call for each', { msgid: 'long-1' }],
  ['FetchMediaById', 'a recording', { media_id: 'media-1' }],
];

/** The requests of each method. */
export async function captureCalls(dialect: string, recorder: Recorder): Promise<Map<string, unknown[]>> {
  const articles = ['a1', 'a2', 'a3'].map((id) => article(id, `${id} 的成人票是 168 元。`, `${id} 的室温是三摄氏度。`));
  const env = { BIZCOMM_URL: recorder.url, LEARN_FIRST_ARTICLES: '2' };
  const service = await startService({ dialect, articles, env });
  recorder.forwardTo = service.wechat.url;
  recorder.answer = ({ body }) =>
    body.includes('"wx_few"') ? '{"next_offset":0,"item_count":0,"item":[],"errcode":0,"errmsg":"ok"}' : undefined;
  try {
    await learnAndChange(service);
    await reply(service, recorder, { cited: 'cited', refused: 'refused', long: 'long' });
    await service.stopApp();
    await service.restartApp({ BIZCOMM_REPLY_VERSION: '1' });
    await reply(service, recorder, { cited: 'cited-1', refused: 'refused-1', long: 'long-1' });
    await fetchMedia(recorder);
    for (const example of examples) {
      await until(`${example[0]} is called: ${example[1]}`, () => find(recorder, example).length > 0);
    }
  } finally {
    await service.stop();
  }
  const seen = new Map<string, unknown[]>();
  for (const example of examples) {
    const [method, says] = example;
    const requests = find(recorder, example).map((request) => tell(request, service.wechat.url));
    seen.set(method, [...(seen.get(method) ?? []), { says, requests }]);
  }
  return seen;
}

/** Requests that were sent again look the same, and count once. */
function find({ requests }: Recorder, [method, , has]: Example): RecordedRequest[] {
  const matching = requests.filter(({ line, body }) => {
    if (!line.includes(`/${method.toLowerCase()}?`)) return false;
    const json = JSON.parse(body);
    const fields = json.item?.[0] ?? json;
    return Object.entries(has).every(([name, value]) => fields[name] === value);
  });
  return matching.filter(({ body }, index) => matching.findIndex((other) => other.body === body) === index);
}

function tell({ line, headers, body }: RecordedRequest, wechatUrl: string) {
  const isExperts = /168/.test(body);
  const answer = isExperts ? [[/"content":"(?:(?!\\n\\n|").)*/g, '"content":"<answer>'] as const] : [];
  return { line, headers, body: normalise(body, [[wechatUrl, '<wechat>'], ...answer]) };
}

/** First learning, supplement, and an event of each kind, in order. */
async function learnAndChange(service: Service): Promise<void> {
  await service.call('/api/wxmp/assistant/create', { appid: 'wx_few', name: '助手' });
  await service.createLearned(appid);
  await until('the supplement is done', async () => {
    const { status } = await service.call('/api/wxmp/assistant/detail', { appid });
    return status === 6;
  });
  const { knowledge_id } = await service.call('/api/wxmp/knowledge/create', { appid, name: '手册' });
  const of = (article_id: string, msgidx: number) => ({ article_id, msgidx });
  const file = { knowledge_id, file_id: 'f1', file_cos_url: 'https://files.example.com/f1', file_name: 'a.pdf' };
  const events: [id: string, type: number, what: object][] = [
    ['added-1', 4, of('a1', 1)],
    ['updated-0', 5, of('a2', 0)],
    ['updated-1', 5, of('a1', 2)],
    ['banned-0', 7, of('a2', 0)],
    ['unbanned-1', 8, of('a2', 1)],
    ['deleted-1', 6, of('a3', 1)],
    ['deleted-0', 6, of('a2', 0)],
    ['file-added', 9, { ...file, file_type: 'PDF' }],
    ['file-deleted', 10, { knowledge_id, file_id: 'f1' }],
  ];
  const item = events.map(([event_id, event_type, what]) => ({ appid, event_type, event_id, ...what }));
  const { errcode, errmsg } = await service.call('/api/wxmp/article/event_notity', { item });
  assert.equal(errcode, 0, errmsg);
  await until('all notices are here', () => service.wechat.state.notices.length === 2 + events.length);
}

/** Answers of each kind. No answer of the expert is that long, so the long one is given to the table as it is. */
async function reply(
  service: Service,
  recorder: Recorder,
  { cited, refused, long }: { cited: string; refused: string; long: string },
): Promise<void> {
  await service.ask(appid, 'openid-1', cited, 'a1 的成人票多少钱？');
  await service.ask(appid, 'openid-1', refused, '火星上的天气怎么样？');
  const debug = { appid, openid: 'openid-1', msgid: 'debug', is_debug: 1 };
  await service.call('/api/wxmp/message/notify', { ...debug, msg_type: 'text', text: { content: '火星的天气？' } });
  await until('the owner is answered', () => service.wechat.state.replies.some(({ msgid }) => msgid === 'debug'));
  const config = toConfig({
    ...testEnv(service.databaseUrl, recorder.url),
    BIZCOMM_REPLY_VERSION: long === 'long' ? '2' : '1',
  });
  const database = openDatabase({ url: service.databaseUrl, poolSize: 1, queryTimeoutMs: 5000 });
  const wake = { messages() {}, learning() {}, dispatch() {} };
  const context = { config, database, texts: createFixedTexts(config), wake } as Context;
  const message: PendingMessage = {
    ...{ messageId: long, conversationId: long, appid, channel: 'live' as const, msgid: long, openid: 'openid-1' },
    ...{ msgType: 'text', content: '', mediaId: null, mediaFormat: null, quoted: '', messageIndex: 1, ageMs: 0 },
    ...{ isOpen: false, gathersMs: 0 },
  };
  const citations = [
    { documentId: 'd1', title: '开馆时间', url: 'https://mp.weixin.qq.com/s/1', places: [] },
    { documentId: 'd2', title: '票价', url: '', places: [{ page: 3, heading: '' }] },
  ];
  const text = Array.from({ length: 90 }, (_, index) => `第 ${index + 1} 句话也说完整。`).join('');
  await database.tx((tx) => enqueueReply(context, tx, message, { text, citations }));
  await database.close();
  await until('both segments are here', () => {
    const replies = service.wechat.state.replies.filter(({ msgid }) => msgid === long);
    return replies.flatMap(({ segments }) => segments).length === 2;
  });
}

/** Nothing calls it yet but the client itself. */
async function fetchMedia(recorder: Recorder): Promise<void> {
  recorder.answer = () => '{"errcode":0,"errmsg":"ok","buffer":""}';
  const client = createBizcommClient({ urls: [recorder.url], appname: 'wxmp_assistant', timeoutMs: 5000 });
  await client.fetchMediaById({ appid, mediaId: 'media-1' }, AbortSignal.timeout(5000));
  await client.close();
}

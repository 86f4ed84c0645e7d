import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type DescMessage, type DescService, getOption, type JsonValue } from '@bufbuild/protobuf';
import { http } from '../../gen/google/api/annotations_pb.ts';
import { ArticleEventSchema, ArticleService } from '../../gen/wxmp/article/v1/article_pb.ts';
import { AssistantService } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import { KnowledgeService } from '../../gen/wxmp/knowledge/v1/knowledge_pb.ts';
import { MessageService } from '../../gen/wxmp/message/v1/message_pb.ts';
import { dialects } from '../support/databases.ts';
import { article, type Service, startService } from '../support/service.ts';
import { badBodies } from './bad-bodies.ts';

const appid = 'wx_errors';

/** A body for each method that is done when it is sent, however often; every list and message in it has something. */
function validBodies(base: string, gone: string, document: string): Record<string, Record<string, JsonValue>> {
  const message = { appid, openid: 'openid-1', msgid: 'msg-1', send_time: 1_790_000_000, msg_type: 'text' };
  const event = { appid, event_type: 9, event_id: 'event-1', article_id: 'a1', msgidx: 1, file_id: 'f1' };
  const more = { file_cos_url: 'https://a/b', knowledge_id: base, file_name: 'a.pdf', file_type: 'PDF' };
  const settings = { appid, name: '助手', description: '', system_promot: 'p', system_prompt: 'p' };
  return {
    CreateAssistant: settings,
    UpdateAssistant: { ...settings, is_allow_pm_data: 0, version: 0, custom_knowledge_ids: [base] },
    DeleteAssistant: { appid: 'wx_gone' },
    GetAssistant: { appid, view: 1 },
    PublishAssistant: { appid },
    RevertAssistant: { appid },
    ListAssistants: { page_size: 1, page_token: '' },
    SetExpert: {
      ...{ appid, version: 0 },
      expert: { kind: 3, address: 'http://127.0.0.1:9', timeout_ms: 1000, threshold: 0.5 },
    },
    GetExpert: { appid, view: 1 },
    CreateKnowledge: { appid, name: '手册' },
    UpdateKnowledge: { appid, knowledge_id: base, name: '手册' },
    DeleteKnowledge: { appid, knowledge_id: gone },
    GetFileDetail: { appid, knowledge_id: base, file_ids: ['f1'], articles: [{ article_id: 'a1', msgidx: 0 }] },
    NotifyArticleEvent: { item: [{ ...event, ...more, file_cos_id: 'f1' }] },
    ListDocuments: { appid, knowledge_id: base, page_size: 1, page_token: '' },
    ListPassages: { appid, document_id: document, page_size: 1, page_token: '' },
    SyncArticles: { appid },
    NotifyMessage: { ...message, text: { content: '你好' }, is_debug: 0, voice: { media_id: 'm1', format: 4 } },
    ListMessages: { appid, openid: 'openid-1', is_debug: 0 },
    Ask: { appid, content: '你好', view: 1, history: [{ speaker: 'user', content: '你好' }], compare: true },
    ExplainMessage: { appid, msgid: 'msg-1', is_debug: 0 },
    EraseUser: { appid, openid: 'openid-2', actor: 'operator', reason: 'the user asked for it' },
  };
}

const services: DescService[] = [AssistantService, KnowledgeService, ArticleService, MessageService];

for (const { name: dialect } of dialects) {
  describe(`bad fields on ${dialect}`, () => {
    let service: Service;
    let valid: ReturnType<typeof validBodies>;
    before(async () => {
      service = await startService({ dialect, articles: [article('a1', '成人票是 168 元。')] });
      await service.createLearned(appid);
      const create = async () =>
        (await service.call('/api/wxmp/knowledge/create', { appid, name: '手册' })).knowledge_id;
      const [base, gone] = [await create(), await create()];
      const { documents } = await service.call('/api/wxmp/knowledge/document/list', { appid });
      valid = validBodies(base, gone, documents[0].document_id);
      await service.call('/api/wxmp/knowledge/delete', { appid, knowledge_id: gone });
      await service.call('/api/wxmp/assistant/create', { appid: 'wx_gone', name: '助手' });
    });
    after(() => service?.stop());

    const methods = services.flatMap((each) => each.methods);
    for (const method of methods) {
      const { pattern } = getOption(method, http);
      test(`${method.name} names each bad field, and takes the next request`, async () => {
        await tryAll(String(pattern.value), method.input, valid[method.name]!);
      });
    }

    test('a flat event is held against the rules of an event', async () => {
      const [event] = valid.NotifyArticleEvent!.item as Record<string, JsonValue>[];
      await tryAll('/api/wxmp/article/event_notify', ArticleEventSchema, event!);
    });

    async function tryAll(path: string, message: DescMessage, body: Record<string, JsonValue>): Promise<void> {
      const works = async (what: string) => {
        const { errcode, errmsg } = await send(path, body);
        assert.equal(errcode, 0, `after ${what}: ${errmsg}`);
      };
      await works('nothing');
      const strange = JSON.parse(
        JSON.stringify(body).replace(/^\{/, '{"__proto__":{"appid":1},"toString":[],"新":null,'),
      );
      assert.equal((await send(path, strange)).errcode, 0, 'unknown keys are ignored');
      const wrong: string[] = [];
      for (const bodies of badBodies(message, body)) {
        for (const bad of bodies) {
          const { errcode, errmsg } = await send(path, bad.body);
          const names = errmsg.startsWith(`${bad.path}: `);
          const expected = bad.errcode ?? (await send(path, without(bad.body))).errcode;
          const fits = errcode < 50000 && !/at most \d+ characters/.test(errmsg);
          const isRight = bad.errcode === 0 ? fits : errcode === expected;
          if (!isRight || (bad.errcode && !names)) wrong.push(`${bad.what}: ${errcode} ${errmsg}`);
        }
        await works(bodies.at(-1)?.what ?? '');
      }
      assert.deepEqual(wrong, []);
    }

    /** The answer, or what a stream ends with. */
    async function send(path: string, body: unknown): Promise<{ errcode: number; errmsg: string }> {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(service.app.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
      const lines = (await response.text()).trim().split('\n');
      return JSON.parse(lines.at(-1)!);
    }
  });
}

/** Without what is null. */
function without(json: JsonValue): JsonValue {
  return JSON.parse(JSON.stringify(json, (_, value) => (value === null ? undefined : value)));
}

/** An account with a base of files, as the WeChat side keeps them. */
import assert from 'node:assert/strict';
import { type FileHost, startFileHost } from './file-host.ts';
import { type Service, type ServiceOptions, startService } from './service.ts';
import { until } from './until.ts';

export interface FileAccount {
  service: Service;
  host: FileHost;
  appid: string;
  knowledgeId: string;
  call: (path: string, body: unknown) => ReturnType<Service['call']>;
  /** Sends an event 9, 10 or 11 about a file and returns its id; the file lies at `path` of the host. */
  send(eventType: number, fileId: string, more?: { path?: string; name?: string; eventId?: string }): Promise<string>;
  /** The same, and waits until it is told: returns the state that the notice carries. */
  handle(eventType: number, fileId: string, more?: { path?: string; name?: string }): Promise<number>;
  /** The state that the notice of an event carries, once it is told. */
  told(eventId: string): Promise<number>;
  /** The state of a file as it can be asked for; undefined: there is none. */
  stateOf(fileId: string): Promise<number | undefined>;
  /** The document as operators see it. */
  documentOf(fileId: string): Promise<Record<string, string & number & boolean>>;
  /** Asks as a new user. */
  ask(question: string): Promise<{ text: string; quotation: string }>;
  stop(): Promise<void>;
}

export async function startFileAccount(options: ServiceOptions = {}, appid = 'wx_files'): Promise<FileAccount> {
  const host = await startFileHost();
  const service = await startService(options);
  const account = await openFileAccount(service, host, appid);
  return {
    ...account,
    async stop() {
      await service.stop();
      await host.close();
    },
  };
}

/** Another account on the same service, with the files on the same host. */
export async function openFileAccount(service: Service, host: FileHost, appid: string): Promise<FileAccount> {
  const call = (path: string, body: unknown) => service.call(`/api/wxmp/${path}`, body);
  await service.createLearned(appid);
  const { knowledge_id: knowledgeId } = await call('knowledge/create', { appid, name: '文件' });
  let events = 0;
  let questions = 0;
  const account: FileAccount = {
    ...{ service, host, appid, knowledgeId, call },
    async send(event_type, file_id, { path = `/${file_id}`, name = `${file_id}.txt`, eventId } = {}) {
      const event_id = eventId ?? `${appid}-${++events}`;
      const file = { file_cos_url: `${host.url}${path}?sign=secret`, file_name: name, file_type: 'TXT' };
      const event = { appid, event_type, event_id, knowledge_id: knowledgeId, file_id };
      const answer = await call('article/event_notity', { item: [{ ...event, ...(event_type !== 10 && file) }] });
      assert.equal(answer.errcode, 0, answer.errmsg);
      return event_id;
    },
    async handle(eventType, fileId, more) {
      return account.told(await account.send(eventType, fileId, more));
    },
    async told(eventId) {
      const notices = () => service.wechat.state.notices.filter((each) => each.eventId === eventId);
      await until(`${eventId} is told`, () => notices().length > 0, 180_000); // behind others that take their time-out
      const [{ appid: to, knowledgeId: base, fileRagStatus }] = notices() as [ReturnType<typeof notices>[number]];
      assert.deepEqual([to, base, notices().length], [appid, knowledgeId, 1]);
      return fileRagStatus!;
    },
    async stateOf(fileId) {
      const asked = { appid, knowledge_id: knowledgeId, file_ids: [fileId] };
      return (await call('knowledge/file/detail', asked)).files[0]?.file_rag_status;
    },
    async documentOf(fileId) {
      const { documents } = await call('knowledge/document/list', { appid, knowledge_id: knowledgeId, page_size: 200 });
      return documents.find((each: { file_id: string }) => each.file_id === fileId);
    },
    ask: (question) => service.ask(appid, `user-${++questions}`, `${appid}-q${questions}`, question),
    stop: async () => {},
  };
  return account;
}

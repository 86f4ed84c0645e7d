/** A service with WeCom bots, whose answers a model gives that the test plays. */
import { type Client, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { ErrorInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { ConversationService } from '../../gen/wecom/v1/conversation_pb.ts';
import { IntegrationService } from '../../gen/wecom/v1/integration_pb.ts';
import { TriggerService } from '../../gen/wecom/v1/trigger_pb.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { type FakeLlm, sendPieces, startFakeLlm } from './fake-llm.ts';
import { type Bot, makeBot } from './make-bot.ts';
import { article, type Service, type ServiceOptions, startService } from './service.ts';
import { type ResponseUrls, startResponseUrls } from './wecom-side.ts';

export interface WecomService {
  service: Service;
  database: Database;
  llm: FakeLlm;
  urls: ResponseUrls;
  bots: Client<typeof IntegrationService>;
  triggers: Client<typeof TriggerService>;
  conversations: Client<typeof ConversationService>;
  /** A bot, bound to `appid`. */
  makeBot(settings?: object, trigger?: object): Promise<Bot>;
  /** The model answers each question by its own words until `hold` is called; then it waits for `release`. */
  hold(): { asked: Promise<void>; release(): void };
  stop(): Promise<void>;
}

/** What the model answers to each question that is not held. */
export const modelAnswer = '成人票是 168 元。[1]';

export async function startWecomService(appid: string, options: ServiceOptions): Promise<WecomService> {
  const llm = await startFakeLlm(sendPieces([modelAnswer]));
  const urls = await startResponseUrls();
  const model = { LLM_BASE_URL: llm.url, LLM_API_KEY: 'sk-test-not-a-key', LLM_MODEL: 'm', LABELLED_EXPERTS: 'none' };
  const service = await startService({
    articles: [article('a1', '本馆的成人票是 168 元，儿童票是 98 元。')],
    ...options,
    env: { ...model, WECOM_API_HOSTS: urls.host, ...options.env },
  });
  const database = openDatabase({ url: service.databaseUrl, poolSize: 2, queryTimeoutMs: 5000 });
  const transport = createGrpcTransport({ baseUrl: service.app.url });
  const bots = createClient(IntegrationService, transport);
  const triggers = createClient(TriggerService, transport);
  await service.createLearned(appid);
  return {
    ...{ service, database, llm, urls, bots, triggers },
    conversations: createClient(ConversationService, transport),
    makeBot: (settings = {}, trigger = {}) => makeBot(service, appid, { settings, trigger }),
    hold() {
      const { promise: asked, resolve: arrive } = Promise.withResolvers<void>();
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      llm.answer = async (one) => {
        arrive();
        await released;
        await sendPieces([modelAnswer])(one);
      };
      return {
        asked,
        release() {
          llm.answer = sendPieces([modelAnswer]);
          release();
        },
      };
    },
    async stop() {
      await database.close();
      await service.stop();
      await urls.close();
      await llm.close();
    },
  };
}

/** What a call is refused with. */
export async function refusalOf(call: Promise<unknown>): Promise<{ errcode: string | undefined; message: string }> {
  const error = await call.then(
    () => {
      throw new Error('it was not refused');
    },
    (error) => ConnectError.from(error),
  );
  return { errcode: error.findDetails(ErrorInfoSchema)[0]?.metadata.errcode, message: error.rawMessage };
}

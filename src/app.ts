import { DispatchService } from '../gen/dispatch/v1/dispatch_pb.ts';
import { ConversationService } from '../gen/wecom/v1/conversation_pb.ts';
import { IntegrationService } from '../gen/wecom/v1/integration_pb.ts';
import { TriggerService } from '../gen/wecom/v1/trigger_pb.ts';
import { ArticleService } from '../gen/wxmp/article/v1/article_pb.ts';
import { AssistantService } from '../gen/wxmp/assistant/v1/assistant_pb.ts';
import { KnowledgeService } from '../gen/wxmp/knowledge/v1/knowledge_pb.ts';
import { MessageService } from '../gen/wxmp/message/v1/message_pb.ts';
import { articleService } from './article/index.ts';
import { createNoticeSender, noticeKind } from './article/notices.ts';
import { syncAllArticles } from './article/sync-articles.ts';
import { startLearning } from './article/work-base.ts';
import { assistantService } from './assistant/index.ts';
import { type BizcommClient, createBizcommClient } from './bizcomm/client.ts';
import type { Config } from './config.ts';
import type { Context, Point } from './context.ts';
import { prune } from './cron/prune.ts';
import { startCron } from './cron/start-cron.ts';
import { createAlone } from './db/alone.ts';
import { openDatabase } from './db/database.ts';
import { migrateSchema } from './db/migrate-schema.ts';
import type { Sender } from './dispatch/dispatch.ts';
import { dispatchService } from './dispatch/index.ts';
import { listPauseRows } from './dispatch/pause-store.ts';
import { startDispatch } from './dispatch/start-dispatch.ts';
import { createDownloader, type Downloader } from './egress/download.ts';
import { knowledgeService } from './knowledge/index.ts';
import type { Logger } from './logger.ts';
import { integrationOf } from './message/channel.ts';
import { createExperts } from './message/choose-expert.ts';
import { createFixedTexts } from './message/fixed-texts.ts';
import { messageService } from './message/index.ts';
import { createReplySenderV1, createReplySenderV2, replyKinds, wxmpReplies } from './message/reply-dispatch.ts';
import { createTranscriber, type Transcribe } from './message/voice/transcriber.ts';
import { startAnswering } from './message/work-conversation.ts';
import { createMetrics } from './metrics.ts';
import { createParser } from './parsing/parser.ts';
import { requestRebuilds } from './retrieval/rebuild-index.ts';
import { serve, startInternalListener } from './rpc/internal-listener.ts';
import { startPublicListener } from './rpc/public-listener.ts';
import { createGuard, type Guard } from './safety/guard.ts';
import { createModeration } from './safety/moderation.ts';
import { createSealer } from './sealer.ts';
import { loadSecretKeys } from './secret-keys.ts';
import { createResponseAgent } from './wecom/call-response-url.ts';
import { conversationService } from './wecom/conversation/index.ts';
import { integrationService } from './wecom/integration/index.ts';
import { createStatusRecorder } from './wecom/integration/status-recorder.ts';
import { type LongConnectionOptions, startLongConnections } from './wecom/long-connection/start-long-connections.ts';
import { startFetching } from './wecom/media/work-media.ts';
import { wecomReplies } from './wecom/replies.ts';
import { responseKind, restKind } from './wecom/response-dispatch.ts';
import { createResponseSender, createRestSender } from './wecom/response-url.ts';
import { triggerService } from './wecom/trigger/index.ts';
import { createWebhook } from './wecom/webhook/webhook.ts';

/** A running service. */
export interface App {
  /** Where the internal listener listens. */
  url: string;
  /** Where the public one does. */
  publicUrl: string;
  /**
   * Stops: not ready any more, nothing new is claimed, what is under way ends within the grace or is handed over, the
   * listeners close. A second call waits for the first.
   */
  stop(): Promise<void>;
}

export interface AppOptions {
  config: Config;
  logger: Logger;
  /** Called at each point that the flow of data reaches; for tests. */
  reached?: (point: Point) => void;
  /** Other waits and heartbeats of long connections than the usual ones; for tests. */
  connectionTimes?: LongConnectionOptions['times'];
}

/** Brings the schema up to date, starts the workers, the schedules and the listeners. */
export async function startApp({ config, logger, reached = () => {}, connectionTimes }: AppOptions): Promise<App> {
  const downloader = connectDownloader(config);
  const starting = new AbortController();
  const leaseMs = config.LEASE_SECONDS * 1000;
  const metrics = createMetrics();
  const database = openDatabase({
    url: config.DATABASE_URL,
    poolSize: config.DATABASE_POOL_SIZE,
    queryTimeoutMs: config.QUERY_TIMEOUT_MS,
    onRetry: () => metrics.databaseRetries.inc(),
  });
  const onStep = () => reached('migration.step');
  const onWait = (step: string) => logger.warn({ step }, 'a migration waits for transactions that use its tables');
  await migrateSchema(database, config.DATABASE_URL, { signal: starting.signal, leaseMs, onStep, onWait });

  const outdated = await requestRebuilds(database);
  if (outdated > 0) logger.info({ bases: outdated }, 'indexes of an older tokenizer are built anew');

  for (const { scope, since, actor, reason } of await listPauseRows(database)) {
    logger.warn({ scope, since: new Date(since), actor, reason }, 'deliveries are paused until they are resumed');
  }

  const bizcomm = connectBizcomm(config, logger);
  const experts = createExperts(config, { database, logger, metrics });
  const context: Context = {
    config,
    database,
    logger,
    metrics,
    texts: createFixedTexts(config),
    chooseExpert: experts.choose,
    guard: connectGuard(config),
    bizcomm,
    transcribe: connectTranscriber(config),
    downloader,
    replyChannel: (channel) => (integrationOf(channel) === undefined ? wxmpReplies : wecomReplies),
    sealer: createSealer(loadSecretKeys(config)),
    parser: createParser({
      workers: config.FILE_PARSE_WORKERS,
      timeoutMs: config.FILE_PARSE_TIMEOUT_SECONDS * 1000,
      memoryMb: config.FILE_PARSE_MEMORY_MB,
      maxChars: config.MAX_FILE_CHARS,
      maxPages: config.MAX_FILE_PAGES,
    }),
    wake: {
      messages: () => answering.wake(),
      learning: () => learning.wake(),
      dispatch: () => dispatch.wake(),
      attachments: () => fetching.wake(),
      bot: (integrationId) => longConnections.wakeBot(integrationId),
      connections: () => longConnections.wake(),
    },
    alone: createAlone(),
    reached,
  };

  const responseAgent = createResponseAgent();
  const dispatch = startDispatch({
    database,
    logger,
    metrics: context.metrics,
    alone: context.alone,
    reached,
    senders: new Map([
      ...(bizcomm === undefined ? [] : createSenders(bizcomm)),
      [responseKind, createResponseSender(context, responseAgent)],
      [restKind, createRestSender(context, responseAgent)],
    ]),
    concurrency: config.DISPATCH_WORKERS,
    leaseMs,
    sendTimeoutMs: config.BIZCOMM_TIMEOUT_MS,
    backoff: { baseMs: config.DISPATCH_BACKOFF_MS, maxMs: config.DISPATCH_BACKOFF_MAX_SECONDS * 1000 },
  });
  const answering = startAnswering(context);
  const learning = startLearning(context);
  const fetching = startFetching(context);
  const recorder = createStatusRecorder(context);
  const longConnections = startLongConnections(context, {
    ...{ recorder, agent: responseAgent, ...(connectionTimes && { times: connectionTimes }) },
  });
  const internal = await startInternalListener(context, [
    serve(AssistantService, assistantService(context)),
    serve(KnowledgeService, knowledgeService(context)),
    serve(ArticleService, articleService(context)),
    serve(MessageService, messageService(context)),
    serve(DispatchService, dispatchService(context)),
    serve(IntegrationService, integrationService(context)),
    serve(TriggerService, triggerService(context)),
    serve(ConversationService, conversationService(context)),
  ]);
  const publicListener = await startPublicListener(config, logger, createWebhook(context, recorder));
  const wakeAll = () => {
    for (const loop of [dispatch, answering, learning, fetching]) loop.wake();
  };
  const cron = await startCron({
    database,
    logger,
    leaseMs,
    tickSchedule: config.DISPATCH_CRON,
    tick: () => {
      wakeAll();
      longConnections.tick();
      void internal.checkHealth();
      void recorder.flush();
    },
    jobs: [
      { task: 'sync', schedule: config.SYNC_CRON, run: (signal) => syncAllArticles(context, signal) },
      { task: 'prune', schedule: config.PRUNE_CRON, run: (signal) => prune(context, signal) },
    ],
  });
  await internal.checkHealth();
  wakeAll();

  const stopAll = async () => {
    const graceMs = config.SHUTDOWN_GRACE_SECONDS * 1000;
    internal.health.end();
    await Promise.all([
      cron.stop(),
      ...[dispatch, answering, learning, fetching, longConnections].map((loop) => loop.stop(graceMs)),
      internal.close(graceMs),
      publicListener.close(graceMs),
    ]);
    await recorder.flush();
    experts.close();
    await bizcomm?.close();
    await downloader.close();
    await responseAgent.destroy();
    await database.close();
  };
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= stopAll();
    return stopping;
  };
  return { url: `http://${hostPort(internal)}`, publicUrl: `http://${hostPort(publicListener)}`, stop };
}

function connectBizcomm(config: Config, logger: Logger): BizcommClient | undefined {
  if (config.BIZCOMM_URL === undefined) {
    logger.warn('BIZCOMM_URL is not set: there is no WeChat side, nothing is pulled from it or sent to it');
    return undefined;
  }
  return createBizcommClient({
    urls: config.BIZCOMM_URL,
    appname: config.BIZCOMM_APPNAME,
    timeoutMs: config.BIZCOMM_TIMEOUT_MS,
    ca: config.bizcommCa,
    servername: config.BIZCOMM_TLS_SERVERNAME,
  });
}

function connectTranscriber(config: Config): Transcribe | undefined {
  const { ASR_MODEL: model, LLM_API_KEY: apiKey, ASR_TIMEOUT_MS: timeoutMs } = config;
  const baseUrl = config.ASR_BASE_URL ?? config.LLM_BASE_URL;
  if (model === undefined || baseUrl === undefined) return undefined;
  return createTranscriber({ baseUrl, model, apiKey, timeoutMs });
}

function connectGuard(config: Config): Guard | undefined {
  const { MODERATION_MODEL: model, LLM_API_KEY: apiKey, MODERATION_TIMEOUT_MS: timeoutMs } = config;
  const baseUrl = config.MODERATION_BASE_URL ?? config.LLM_BASE_URL;
  const asks = model !== undefined && baseUrl !== undefined;
  const moderate = asks ? createModeration({ baseUrl, model, apiKey, timeoutMs }) : undefined;
  return createGuard({ words: config.SAFETY_WORDS_FILE, moderate });
}

function connectDownloader(config: Config): Downloader {
  return createDownloader({
    allow: config.EGRESS_ALLOW,
    maxBytes: config.MAX_FILE_BYTES,
    timeoutMs: config.FILE_DOWNLOAD_TIMEOUT_SECONDS * 1000,
    minBytesPerSecond: config.FILE_DOWNLOAD_MIN_BYTES_PER_SECOND,
  });
}

function createSenders(bizcomm: BizcommClient): [string, Sender][] {
  return [
    [noticeKind, createNoticeSender(bizcomm)],
    [replyKinds.v1, createReplySenderV1(bizcomm)],
    [replyKinds.v2, createReplySenderV2(bizcomm)],
  ];
}

function hostPort({ host, port }: { host: string; port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import {
  address,
  cron,
  databaseUrl,
  egressRules,
  flag,
  hosts,
  httpUrl,
  labelled,
  optionalWhole,
  secretKeys,
  whole,
  words,
  wsUrl,
} from './config-values.ts';

/** Reads the environment, after `.env` where that file is present; what is set in the environment wins. */
export function readEnv(): NodeJS.ProcessEnv {
  try {
    process.loadEnvFile('.env');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  return process.env;
}

/** A setting is missing or bad; the message names the variable and what was expected, never its value. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/** The settings of the service. `.env.example` explains each variable; the unit stands last in its name. */
export type Config = ReturnType<typeof toConfig>;

/** Checks the environment and gives each setting its type and default. Throws a ConfigError on the first bad one. */
export function toConfig(env: NodeJS.ProcessEnv) {
  const parsed = schema.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const expected = issue.code === 'custom' ? issue.message : describe(issue);
    throw new ConfigError(`${String(issue.path[0])}: ${expected}`);
  }
  const config = parsed.data;
  checkTimes(config);
  checkModels(config);
  const isMysql = !config.DATABASE_URL.startsWith('sqlite:');
  if (isMysql && config.SECRET_KEY === undefined) {
    throw new ConfigError('SECRET_KEY: required with MySQL: 32 random bytes in base64, e.g. openssl rand -base64 32');
  }
  const isLoopback = /^(127(\.\d{1,3}){3}|localhost|::1)$/.test(config.HTTP_ADDR.host);
  return {
    ...config,
    /** The admin calls exist with a token, or without one while only this machine can reach them. */
    adminEnabled: config.ADMIN_TOKEN !== undefined || isLoopback,
    bizcommCa: config.BIZCOMM_CA_FILE === undefined ? undefined : readCa(config.BIZCOMM_CA_FILE),
  };
}

/** Each variable, its default, and what it may be. */
const schema = z.object({
  DATABASE_URL: databaseUrl.default('sqlite:./data/wxmp-assistant.db'),
  DATABASE_POOL_SIZE: whole(1, 200, 10),
  QUERY_TIMEOUT_MS: whole(100, 60_000, 5000),

  HTTP_ADDR: address.default({ host: '127.0.0.1', port: 8080 }),
  PUBLIC_ADDR: address.default({ host: '127.0.0.1', port: 8081 }),
  REQUEST_TIMEOUT_MS: whole(100, 600_000, 10_000),
  MAX_BODY_BYTES: whole(1024, 64 * 1024 * 1024, 1024 * 1024),
  MAX_CONNECTIONS: whole(10, 1_000_000, 4000),
  MAX_OPEN_CALLS: whole(1, 100_000, 1000),
  SHUTDOWN_GRACE_SECONDS: whole(0, 600, 20),

  ACCEPT_WORKERS: whole(1, 256, 5),
  ACCEPT_QUEUE_CALLS: whole(0, 100_000, 300),
  ACCEPT_WAIT_MS: whole(10, 60_000, 5000),
  BACKLOG_QUESTIONS: whole(1, 1_000_000, 20_000),
  BACKLOG_EVENTS: whole(1, 1_000_000, 100_000),

  ADMIN_TOKEN: z.string().optional(),
  WXMP_TOKEN: z.string().optional(),
  SECRET_KEY: secretKeys.optional(),

  WECOM_WS_URL: wsUrl.default('wss://openws.work.weixin.qq.com'),
  WECOM_API_HOSTS: hosts.default(['qyapi.weixin.qq.com']),
  WECOM_CALLBACK_MAX_AGE_SECONDS: whole(60, 1_000_000_000, 600),

  BIZCOMM_URL: z
    .string()
    .transform((text) => text.split(',').map((url) => url.trim().replace(/\/+$/, '')))
    .pipe(z.array(httpUrl).min(1))
    .optional(),
  BIZCOMM_CA_FILE: z.string().optional(),
  BIZCOMM_TLS_SERVERNAME: z.string().optional(),
  BIZCOMM_APPNAME: z.string().default('wxmp_assistant'),
  BIZCOMM_REPLY_VERSION: z
    .enum(['1', '2'])
    .default('2')
    .transform((text) => (text === '1' ? 1 : 2)),
  BIZCOMM_TIMEOUT_MS: whole(100, 60_000, 8000),

  LEARN_FIRST_ARTICLES: whole(1, 1_000_000, 100),
  LEARN_PAID_ARTICLES: flag,
  LEARN_TIMEOUT_MINUTES: whole(1, 10_000, 60),
  LEARN_WORKERS: whole(1, 64, 2),

  EGRESS_ALLOW: egressRules.default([]),
  FILE_WORKERS: whole(1, 64, 3),
  MAX_FILE_BYTES: whole(1024, 1024 * 1024 * 1024, 64 * 1024 * 1024),
  FILE_DOWNLOAD_TIMEOUT_SECONDS: whole(1, 3600, 120),
  FILE_DOWNLOAD_MIN_BYTES_PER_SECOND: whole(0, 1_000_000_000, 4096),
  FILE_DOWNLOAD_MINUTES: whole(1, 1440, 1440),
  FILE_PARSE_WORKERS: whole(1, 64, 2),
  FILE_PARSE_TIMEOUT_SECONDS: whole(1, 3600, 120),
  FILE_PARSE_MEMORY_MB: whole(64, 65_536, 512),
  MAX_FILE_PAGES: whole(1, 100_000, 5000),
  MAX_FILE_CHARS: whole(1000, 100_000_000, 5_000_000),
  QUOTA_FILES: whole(0, 1_000_000, 1000),
  QUOTA_FILE_BYTES: whole(0, 999_999_999_999, 4 * 1024 * 1024 * 1024),
  QUOTA_PASSAGES: whole(0, 100_000_000, 200_000),

  SAFETY_WORDS_FILE: words.optional(),
  MODERATION_BASE_URL: httpUrl.optional(),
  MODERATION_MODEL: z.string().max(200).optional(),
  MODERATION_TIMEOUT_MS: whole(100, 60_000, 5000),

  ASR_BASE_URL: httpUrl.optional(),
  ASR_MODEL: z.string().max(200).optional(),
  ASR_TIMEOUT_MS: whole(100, 600_000, 15_000),

  ANSWER_TIMEOUT_MS: whole(100, 600_000, 30_000),
  ANSWER_WORKERS: whole(1, 256, 8),
  ANSWER_HISTORY_TURNS: whole(0, 50, 6),
  ANSWER_THRESHOLD: z
    .string()
    .optional()
    .refine((text) => text === undefined || (/^\d(\.\d+)?$/.test(text) && Number(text) <= 1), 'expected 0 to 1')
    .transform((text) => (text === undefined ? undefined : Number(text))),

  LLM_BASE_URL: httpUrl.optional(),
  LLM_API_KEY: z.string().optional(),
  LLM_MODEL: z.string().max(200).optional(),
  LLM_DAILY_TOKENS: optionalWhole(1, 999_999_999_999),
  LLM_TIMEOUT_MS: whole(100, 600_000, 20_000),
  LLM_MAX_ANSWER_TOKENS: whole(16, 100_000, 800),
  LLM_HISTORY_TOKENS: whole(0, 1_000_000, 2000),
  LLM_SEES_IMAGES: flag,

  TEXT_LANGUAGE: z.enum(['zh', 'en']).default('zh'),
  TEXT_REFUSAL: z.string().max(2000).optional(),
  TEXT_STILL_LEARNING: z.string().max(2000).optional(),
  TEXT_VOICE_UNSUPPORTED: z.string().max(2000).optional(),
  TEXT_FAILED: z.string().max(2000).optional(),
  TEXT_BLOCKED: z.string().max(2000).optional(),
  TEXT_PLEASE_WAIT: z.string().max(2000).optional(),
  TEXT_LABEL: z.string().max(200).optional(),
  LABELLED_EXPERTS: labelled,
  MESSAGE_RETENTION_DAYS: whole(1, 10_000, 3),
  MESSAGE_RETENTION_CONSENT_DAYS: whole(1, 10_000, 180),
  DISPATCH_RETENTION_DAYS: whole(1, 10_000, 30),
  EVENT_RETENTION_DAYS: whole(4, 10_000, 30),
  AUDIT_RETENTION_DAYS: whole(1, 10_000, 400),

  LEASE_SECONDS: whole(1, 600, 30),
  DISPATCH_WORKERS: whole(1, 256, 16),
  DISPATCH_BACKOFF_MS: whole(10, 60_000, 1000),
  DISPATCH_BACKOFF_MAX_SECONDS: whole(1, 86_400, 300),
  REPLY_WINDOW_HOURS: whole(1, 1000, 48),
  NOTICE_WINDOW_HOURS: whole(1, 1000, 168),
  DISPATCH_CRON: cron('*/5 * * * * *'),
  SYNC_CRON: cron('17 */6 * * *'),
  PRUNE_CRON: cron('43 4 * * *'),

  SANDBOX_ADDR: address.default({ host: '127.0.0.1', port: 8090 }),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

/** The names of all variables. */
export const settingNames = Object.keys(schema.shape);

/** A send must end, and be recorded, well within its lease; else another replica would send again meanwhile. */
function checkTimes(config: z.infer<typeof schema>): void {
  const neededMs = 1.2 * (config.BIZCOMM_TIMEOUT_MS + config.QUERY_TIMEOUT_MS);
  if (config.LEASE_SECONDS * 1000 < neededMs) {
    const least = Math.ceil(neededMs / 1000);
    throw new ConfigError(
      `LEASE_SECONDS: expected at least ${least}: 1.2 times BIZCOMM_TIMEOUT_MS and QUERY_TIMEOUT_MS together`,
    );
  }
}

/** When an expert fails, the extractive answer that takes its place needs its time as well. */
export const fallbackMs = 5000;

function checkModels(config: z.infer<typeof schema>): void {
  const { LLM_BASE_URL, LLM_MODEL, ASR_BASE_URL, ASR_MODEL, MODERATION_BASE_URL, MODERATION_MODEL } = config;
  if (MODERATION_MODEL !== undefined && (MODERATION_BASE_URL ?? LLM_BASE_URL) === undefined) {
    throw new ConfigError('MODERATION_BASE_URL: expected an address, or LLM_BASE_URL, since MODERATION_MODEL is set');
  }
  if (MODERATION_BASE_URL !== undefined && MODERATION_MODEL === undefined) {
    throw new ConfigError('MODERATION_MODEL: expected the name of a model, since MODERATION_BASE_URL is set');
  }
  if (ASR_MODEL !== undefined && (ASR_BASE_URL ?? LLM_BASE_URL) === undefined) {
    throw new ConfigError('ASR_BASE_URL: expected an address, or LLM_BASE_URL, since ASR_MODEL is set');
  }
  if (LLM_MODEL !== undefined && LLM_BASE_URL === undefined) {
    throw new ConfigError('LLM_BASE_URL: expected an address, since LLM_MODEL is set');
  }
  if (LLM_BASE_URL === undefined) return;
  if ([LLM_MODEL, ASR_MODEL, MODERATION_MODEL].every((model) => model === undefined)) {
    throw new ConfigError('LLM_MODEL: expected the name of a model, since LLM_BASE_URL is set');
  }
  if (LLM_MODEL === undefined) return;
  const most = config.ANSWER_TIMEOUT_MS - fallbackMs;
  if (config.LLM_TIMEOUT_MS > most) {
    throw new ConfigError(`LLM_TIMEOUT_MS: expected at most ${most}: ANSWER_TIMEOUT_MS less ${fallbackMs}`);
  }
}

function readCa(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    throw new ConfigError('BIZCOMM_CA_FILE: expected a file that can be read');
  }
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.join(', ')}`;
  if (issue.code === 'too_big') return `expected at most ${issue.maximum} characters`;
  return issue.message;
}

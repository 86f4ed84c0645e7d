import { randomBytes } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import {
  type CreateIntegrationRequestSchema,
  type Integration,
  IntegrationService,
  Mode,
} from '../../../gen/wecom/v1/integration_pb.ts';
import { TriggerService } from '../../../gen/wecom/v1/trigger_pb.ts';
import type { App } from '../../app.ts';
import type { Config } from '../../config.ts';
import { botFileOf, readBot, type SandboxBot, writeBot } from './bot-file.ts';

/** By this name it is mentioned in groups. */
export const botName = '小助手';

/** The credentials of the sandbox's bots, which are made once. */
export type BotKeys = SandboxBot & { long: NonNullable<SandboxBot['long']> };

/** Reads them, or makes what is missing. */
export function loadKeys(config: Config): BotKeys {
  const kept = readBot(botFileOf(config)) ?? { integrationId: '', ...makeKeys() };
  return { ...kept, long: kept.long ?? makeLongKeys() };
}

/**
 * Makes the sandbox's bots by the services that operators call, and binds them to an assistant, unless a start before
 * did. Undefined: operators' calls don't exist here.
 */
export async function makeBot(
  app: Pick<App, 'url' | 'publicUrl'>,
  config: Config,
  { appid, sandboxUrl, keys }: { appid: string; sandboxUrl: string; keys: BotKeys },
): Promise<SandboxBot | undefined> {
  if (!config.adminEnabled) return undefined;
  const interceptors = config.ADMIN_TOKEN === undefined ? [] : [authorize(config.ADMIN_TOKEN)];
  const transport = createConnectTransport({ baseUrl: app.url, httpVersion: '1.1', interceptors });
  const integrations = createClient(IntegrationService, transport);
  const triggers = createClient(TriggerService, transport);
  const ensure = async (integrationId: string, request: NewBot): Promise<Integration> => {
    const known = integrationId === '' ? undefined : await orMissing(integrations.getIntegration({ integrationId }));
    const integration = known?.integration ?? (await integrations.createIntegration(request)).integration!;
    const named = { integrationId: integration.integrationId };
    if ((await orMissing(triggers.getTrigger(named))) === undefined) await triggers.publishTrigger({ ...named, appid });
    return integration;
  };
  const { token, encodingAesKey, long } = keys;
  const common = { name: 'sandbox', botName };
  const called = await ensure(keys.integrationId, { ...common, mode: Mode.WEBHOOK, token, encodingAesKey });
  const { botId, secret } = long;
  const dialling = await ensure(long.integrationId, { ...common, mode: Mode.LONG_CONNECTION, botId, secret });
  const bot = {
    ...keys,
    integrationId: called.integrationId,
    callbackUrl: app.publicUrl + called.callbackPath,
    sandboxUrl,
    long: { ...long, integrationId: dialling.integrationId },
  };
  writeBot(botFileOf(config), bot);
  return bot;
}

type NewBot = MessageInitShape<typeof CreateIntegrationRequestSchema>;

function makeKeys() {
  return {
    ...{ callbackUrl: '', sandboxUrl: '' },
    token: randomBytes(16).toString('hex'),
    encodingAesKey: randomBytes(32).toString('base64').slice(0, 43),
  };
}

function makeLongKeys() {
  return {
    integrationId: '',
    botId: `sandbox-${randomBytes(8).toString('hex')}`,
    secret: randomBytes(24).toString('hex'),
  };
}

function authorize(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
}

/** What a call returns; undefined: what it names is not there. */
async function orMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (ConnectError.from(error).code === Code.NotFound) return undefined;
    throw error;
  }
}

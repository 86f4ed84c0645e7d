import { randomBytes } from 'node:crypto';
import { Code, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { type Integration, IntegrationService, Mode } from '../../../gen/wecom/v1/integration_pb.ts';
import { TriggerService } from '../../../gen/wecom/v1/trigger_pb.ts';
import type { App } from '../../app.ts';
import type { Config } from '../../config.ts';
import { botFileOf, readBot, type SandboxBot, writeBot } from './bot-file.ts';

/** By this name it is mentioned in groups. */
export const botName = '小助手';

/**
 * Makes the sandbox's bot by the services that operators call, and binds it to an assistant, unless a start before did;
 * its credentials are made once. Undefined: operators' calls don't exist here.
 */
export async function makeBot(
  app: Pick<App, 'url' | 'publicUrl'>,
  config: Config,
  { appid, sandboxUrl }: { appid: string; sandboxUrl: string },
): Promise<SandboxBot | undefined> {
  if (!config.adminEnabled) return undefined;
  const interceptors = config.ADMIN_TOKEN === undefined ? [] : [authorize(config.ADMIN_TOKEN)];
  const transport = createConnectTransport({ baseUrl: app.url, httpVersion: '1.1', interceptors });
  const integrations = createClient(IntegrationService, transport);
  const triggers = createClient(TriggerService, transport);
  const path = botFileOf(config);
  const kept = readBot(path) ?? { integrationId: '', ...makeKeys() };
  const { integrationId } = kept;
  const known = integrationId === '' ? undefined : await orMissing(integrations.getIntegration({ integrationId }));
  const integration = known?.integration ?? (await create(integrations, kept));
  const bot = {
    ...kept,
    integrationId: integration.integrationId,
    callbackUrl: app.publicUrl + integration.callbackPath,
    sandboxUrl,
  };
  writeBot(path, bot);
  if ((await orMissing(triggers.getTrigger({ integrationId: bot.integrationId }))) === undefined) {
    await triggers.publishTrigger({ integrationId: bot.integrationId, appid });
  }
  return bot;
}

function makeKeys() {
  return {
    ...{ callbackUrl: '', sandboxUrl: '' },
    token: randomBytes(16).toString('hex'),
    encodingAesKey: randomBytes(32).toString('base64').slice(0, 43),
  };
}

async function create(
  integrations: ReturnType<typeof createClient<typeof IntegrationService>>,
  { token, encodingAesKey }: SandboxBot,
): Promise<Integration> {
  const request = { name: 'sandbox', mode: Mode.WEBHOOK, token, encodingAesKey, botName };
  return (await integrations.createIntegration(request)).integration!;
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

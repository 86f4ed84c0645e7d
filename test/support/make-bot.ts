import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { IntegrationService, Mode } from '../../gen/wecom/v1/integration_pb.ts';
import { TriggerService } from '../../gen/wecom/v1/trigger_pb.ts';
import { createWecomSide, type WecomSide } from './wecom-side.ts';

export interface Bot {
  integrationId: string;
  callbackPath: string;
  wecom: WecomSide;
  /** Binds it anew. */
  bind(trigger: object): Promise<void>;
}

/** The addresses of a service, asked for at each use: it may be started again elsewhere, or be several replicas. */
export interface Addresses {
  /** Internal. */
  url(): string;
  /** Where the next callback goes. */
  publicUrl(): string;
}

/** Makes a bot in callback mode, with WeCom's side of it, and binds it, unless `trigger` is null. */
export async function makeBot(
  service: Addresses,
  appid: string,
  { settings = {}, trigger = {} }: { settings?: object; trigger?: object | null } = {},
): Promise<Bot> {
  const transport = () => createGrpcTransport({ baseUrl: service.url() });
  let callbackPath = '';
  const wecom = createWecomSide(() => service.publicUrl() + callbackPath);
  const { token, encodingAesKey } = wecom;
  const request = { name: 'b', mode: Mode.WEBHOOK, token, encodingAesKey, ...settings };
  const created = await createClient(IntegrationService, transport()).createIntegration(request);
  const { integrationId } = created.integration!;
  ({ callbackPath } = created.integration!);
  const bind = async (each: object) => {
    await createClient(TriggerService, transport()).publishTrigger({ integrationId, appid, ...each });
  };
  if (trigger !== null) await bind(trigger);
  return { integrationId, callbackPath, wecom, bind };
}

import { ulid } from 'ulid';
import type { CreateIntegrationRequest } from '../../../gen/wecom/v1/integration_pb.ts';
import type { Context } from '../../context.ts';
import type { Tx } from '../../db/tx.ts';
import { conflict } from '../../errors.ts';
import { checkCredentials, checkTexts } from './check-settings.ts';
import { showIntegration } from './show.ts';
import { findByBotId, insertIntegration, type Language, requireIntegration, saveCredentials } from './store.ts';

/** See IntegrationService.CreateIntegration. */
export function createIntegration({ database, sealer }: Context) {
  return async (request: CreateIntegrationRequest) => {
    const { name, mode, receiveId, botId, texts, botName, token, encodingAesKey, secret } = request;
    const credentials = { token, encodingAesKey, secret };
    checkCredentials(mode, botId, credentials);
    checkTexts(texts);
    const language = (request.language || 'zh') as Language;
    const settings = { name, receiveId, botId, language, texts, botName, enabled: request.enabled ?? true };
    const integrationId = ulid();
    const integration = await database.tx(async (tx) => {
      await refuseKnownBot(tx, botId, integrationId);
      await insertIntegration(tx, { integrationId, mode }, settings);
      await saveCredentials(tx, sealer, integrationId, credentials);
      return requireIntegration(tx, integrationId);
    });
    return { integration: showIntegration(integration) };
  };
}

/** A bot has one place: two that answer for it would answer twice, or take its connection from each other. */
export async function refuseKnownBot(tx: Tx, botId: string, integrationId: string): Promise<void> {
  const known = botId === '' ? undefined : await findByBotId(tx, botId);
  if (known !== undefined && known !== integrationId) {
    throw conflict(`bot_id ${botId} is that of the integration ${known}`);
  }
}

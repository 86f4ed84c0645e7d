import type { UpdateIntegrationRequest } from '../../../gen/wecom/v1/integration_pb.ts';
import type { Context } from '../../context.ts';
import { checkCredentials, checkTexts } from './check-settings.ts';
import { refuseKnownBot } from './create-integration.ts';
import { showIntegration } from './show.ts';
import {
  type Integration,
  type Language,
  loadCredentials,
  requireIntegration,
  requireLockedIntegration,
  saveCredentials,
  updateSettings,
} from './store.ts';

/** See IntegrationService.UpdateIntegration. */
export function updateIntegration({ database, sealer, wake }: Context) {
  return async (request: UpdateIntegrationRequest) => {
    const { integrationId, token, encodingAesKey, secret } = request;
    checkTexts(request.texts);
    const updated = await database.tx(async (tx) => {
      const stored = await requireLockedIntegration(tx, integrationId);
      const settings = merge(stored, request);
      const known = await loadCredentials(tx, sealer, integrationId);
      const given = { token: token ?? '', encodingAesKey: encodingAesKey ?? '', secret: secret ?? '' };
      checkCredentials(stored.mode, settings.botId, {
        token: given.token || known.token,
        encodingAesKey: given.encodingAesKey || known.encodingAesKey,
        secret: given.secret || known.secret,
      });
      await refuseKnownBot(tx, settings.botId, integrationId);
      const redials = settings.botId !== stored.botId || given.secret !== '';
      await updateSettings(tx, integrationId, settings, redials);
      await saveCredentials(tx, sealer, integrationId, given);
      tx.afterCommit(wake.connections);
      return requireIntegration(tx, integrationId);
    });
    return { integration: showIntegration(updated) };
  };
}

function merge(stored: Integration, request: UpdateIntegrationRequest) {
  const texts = Object.entries({ ...stored.texts, ...request.texts }).filter(([, text]) => text !== '');
  return {
    name: request.name ?? stored.name,
    receiveId: request.receiveId ?? stored.receiveId,
    botId: request.botId ?? stored.botId,
    language: (request.language ?? stored.language) as Language,
    texts: Object.fromEntries(texts),
    botName: request.botName ?? stored.botName,
    enabled: request.enabled ?? stored.enabled,
  };
}

import type { RemoveTriggerRequest } from '../../../gen/wecom/v1/trigger_pb.ts';
import type { Context } from '../../context.ts';
import { requireLockedIntegration } from '../integration/store.ts';
import { deleteTrigger } from './store.ts';

/** See TriggerService.RemoveTrigger. */
export function removeTrigger({ database, wake }: Context) {
  return async ({ integrationId }: RemoveTriggerRequest) => {
    await database.tx(async (tx) => {
      await requireLockedIntegration(tx, integrationId);
      await deleteTrigger(tx, integrationId);
      tx.afterCommit(wake.connections);
    });
    return {};
  };
}

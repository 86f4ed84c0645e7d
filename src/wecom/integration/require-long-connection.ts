import type { Tx } from '../../db/tx.ts';
import { wrongState } from '../../errors.ts';
import { mode, requireLockedIntegration } from './store.ts';

/** Locks a bot until the commit. Throws where it is not there, or WeCom calls it: then there is nothing to open or close. */
export async function requireLongConnection(tx: Tx, integrationId: string): Promise<void> {
  const integration = await requireLockedIntegration(tx, integrationId);
  if (integration.mode !== mode.longConnection) {
    throw wrongState(`integration ${integrationId} has a webhook, not a long connection`);
  }
}

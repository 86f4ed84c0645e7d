import type { PauseDeliveryRequest } from '../../gen/dispatch/v1/dispatch_pb.ts';
import type { Context } from '../context.ts';
import type { Database } from '../db/database.ts';
import { deliveryTarget, runCommand } from './audit.ts';
import { insertPause, passBarrier } from './pause-store.ts';
import { scopeOf } from './scope.ts';

/** See DispatchService.PauseDelivery. */
export function pauseDelivery({ database }: Context) {
  return async ({ scope, actor, reason }: PauseDeliveryRequest) => {
    const since = await pauseScope(database, scopeOf(scope), actor, reason);
    return { since: Math.floor(since / 1000) };
  };
}

/**
 * Pauses a scope; once this has returned, no try within it begins any more. Returns since when it is paused, in
 * milliseconds since 1970.
 */
export async function pauseScope(database: Database, scope: string, actor: string, reason: string): Promise<number> {
  const command = { actor, action: 'PauseDelivery', target: deliveryTarget(scope), reason } as const;
  const { since } = await runCommand(database, command, async (tx) => ({
    since: await insertPause(tx, scope, actor, reason),
  }));
  await passBarrier(database);
  return since;
}

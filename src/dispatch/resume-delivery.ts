import type { ResumeDeliveryRequest } from '../../gen/dispatch/v1/dispatch_pb.ts';
import type { Context } from '../context.ts';
import type { Database } from '../db/database.ts';
import { deliveryTarget, runCommand } from './audit.ts';
import { appidScope, deletePause, integrationScope, wakeParked } from './pause-store.ts';
import { scopeOf } from './scope.ts';

/** See DispatchService.ResumeDelivery. */
export function resumeDelivery({ database, wake }: Context) {
  return async ({ scope, actor, reason }: ResumeDeliveryRequest) => {
    const wasPaused = await resumeScope(database, scopeOf(scope), actor, reason);
    wake.dispatch();
    return { wasPaused };
  };
}

/** Ends the pause of a scope, and makes due what it has parked; false: it was not paused. Can be repeated. */
export async function resumeScope(database: Database, scope: string, actor: string, reason: string): Promise<boolean> {
  const command = { actor, action: 'ResumeDelivery', target: deliveryTarget(scope), reason } as const;
  const { wasPaused } = await runCommand(database, command, async (tx) => ({
    wasPaused: await deletePause(tx, scope),
  }));
  const [appid, integration] = [appidScope(''), integrationScope('')];
  if (scope.startsWith(appid)) await wakeParked(database, 'appid', scope.slice(appid.length));
  if (scope.startsWith(integration)) await wakeParked(database, 'integration_id', scope.slice(integration.length));
  return wasPaused;
}

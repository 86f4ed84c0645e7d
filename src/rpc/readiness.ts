import type { Context } from '../context.ts';
import { pendingMigrations } from '../db/migrate.ts';
import { describeError } from '../errors.ts';
import type { Health } from './health.ts';

/** Whether the service can do its work: the database answers and its schema is complete. If not, the log tells why. */
export async function isReady({ database, logger }: Context): Promise<boolean> {
  try {
    const pending = await pendingMigrations(database);
    if (pending.length > 0) throw new Error(`the schema lacks ${pending.join(', ')}`);
    return true;
  } catch (error) {
    logger.warn({ error: describeError(error) }, 'not ready');
    return false;
  }
}

/**
 * Makes grpc.health.v1 tell what /readyz tells. The function that it returns looks once, unless it is still looking: a
 * database that is silent takes long to be given up.
 */
export function createHealthCheck(context: Context, health: Health): () => Promise<void> {
  let looking: Promise<void> | undefined;
  const look = async () => health.set((await isReady(context)) ? 'SERVING' : 'NOT_SERVING');
  return () => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };
}

/** Gives operators' commands on a bare database, with the rules and the errors that a service has. */
import { type Client, createClient, createRouterTransport } from '@connectrpc/connect';
import { DispatchService } from '../../gen/dispatch/v1/dispatch_pb.ts';
import type { Context } from '../../src/context.ts';
import type { Database } from '../../src/db/database.ts';
import { dispatchService } from '../../src/dispatch/index.ts';
import { createLogger } from '../../src/logger.ts';
import { createMetrics } from '../../src/metrics.ts';
import { createInterceptors } from '../../src/rpc/interceptors.ts';

/** A client of DispatchService without a network; `wake` is called where the service wakes its workers. */
export function operate(database: Database, wake = () => {}): Client<typeof DispatchService> {
  const context = {
    database,
    config: { REQUEST_TIMEOUT_MS: 60_000 },
    logger: createLogger('silent'),
    metrics: createMetrics(),
    wake: { dispatch: wake },
  } as unknown as Context;
  const interceptors = createInterceptors(context);
  const routes = createRouterTransport(({ service }) => {
    service(DispatchService, dispatchService(context), { interceptors });
  });
  return createClient(DispatchService, routes);
}

/** Who gives a command in a test, and why. */
export const asked = { actor: 'anna', reason: 'a test' };

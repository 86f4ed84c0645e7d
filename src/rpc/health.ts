/** grpc.health.v1: whether the process takes calls, for balancers and orchestrators. */
import { Code, ConnectError, type ConnectRouter, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import {
  type HealthCheckRequest,
  HealthCheckResponse_ServingStatus,
  Health as HealthService,
} from '../../gen/grpc/health/v1/health_pb.ts';
import { tooMuch } from '../errors.ts';
import { toConnectError } from './errors.ts';
import { requestIdHeader } from './request-id.ts';

/** Asking for a service's health takes no more. So those calls stay small, which are never refused for their number. */
const maxRequestBytes = 1024;

/** Watch streams at the same time, in the whole process. One more gets RESOURCE_EXHAUSTED. */
export const MAX_WATCHERS = 100;

export interface Health {
  /** Sets the status of every service and tells the watchers. Without effect after `end`. */
  set(status: 'SERVING' | 'NOT_SERVING'): void;
  /** Registers Check, List and Watch. */
  routes(router: ConnectRouter): void;
  /** Sets NOT_SERVING for good; Watch streams end once they have sent it. Call it first when the process stops. */
  end(): void;
}

/**
 * The health of `services` (full names) and of the server as a whole, whose name is ''. NOT_SERVING until set. For
 * another name Check fails with NOT_FOUND, and Watch sends SERVICE_UNKNOWN and stays open.
 */
export function createHealth(services: string[]): Health {
  const names = new Set(['', ...services]);
  const wakeUps = new Set<() => void>();
  let status: HealthCheckResponse_ServingStatus = HealthCheckResponse_ServingStatus.NOT_SERVING;
  let ended = false;
  let watchers = 0;

  function change(to: HealthCheckResponse_ServingStatus): void {
    status = to;
    for (const wakeUp of wakeUps) wakeUp();
  }

  async function* watch({ service }: HealthCheckRequest, { signal, requestHeader }: HandlerContext) {
    if (watchers >= MAX_WATCHERS) {
      throw toConnectError(tooMuch('too many watchers', 10), requestHeader.get(requestIdHeader) ?? '');
    }
    watchers++;
    try {
      let sent: HealthCheckResponse_ServingStatus | undefined;
      while (true) {
        const current = names.has(service) ? status : HealthCheckResponse_ServingStatus.SERVICE_UNKNOWN;
        if (current !== sent) {
          sent = current;
          yield { status: current };
        } else if (ended) return;
        else await nextChange(signal);
        signal.throwIfAborted();
      }
    } finally {
      watchers--;
    }
  }

  /** Resolves on the next change, or when the call is over. */
  async function nextChange(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wakeUp = () => resolve();
    wakeUps.add(wakeUp);
    signal.addEventListener('abort', wakeUp);
    await promise;
    wakeUps.delete(wakeUp);
    signal.removeEventListener('abort', wakeUp);
  }

  return {
    set(to) {
      if (!ended) change(HealthCheckResponse_ServingStatus[to]);
    },
    routes(router) {
      const implementation: ServiceImpl<typeof HealthService> = {
        check({ service }) {
          if (!names.has(service)) throw new ConnectError('unknown service', Code.NotFound);
          return { status };
        },
        list: () => ({ statuses: Object.fromEntries([...names].map((name) => [name, { status }])) }),
        watch,
      };
      router.service(HealthService, implementation, { readMaxBytes: maxRequestBytes });
    },
    end() {
      ended = true;
      change(HealthCheckResponse_ServingStatus.NOT_SERVING);
    },
  };
}

import { type Breaker, createBreaker } from '../breaker.ts';
import { connectEngine, type EngineConnection } from './connect-engine.ts';
import { RemoteFailure } from './failure.ts';
import type { SessionLimits } from './sessions.ts';

/** An engine as a call uses it. */
export interface Engine extends EngineConnection {
  breaker: Breaker;
}

/** The engines in use, one for each address. */
export interface Engines {
  /** Takes the engine at an address; `release` once, when the call is over. Throws a RemoteFailure. */
  take(address: string): { engine: Engine; release(): void };
  /** Ends all calls and connections; from then on none are made. */
  close(): void;
}

const maxFailures = 5;

/** Keeps a connection and a circuit breaker per address, for the `maxEngines` that were used last. */
export function createEngines(limits: SessionLimits & { maxEngines: number; circuitOpenMs: number }): Engines {
  /** By origin, the one used last at the end. */
  const engines = new Map<string, { engine: Engine; calls: number }>();
  let isClosed = false;

  /** A connection that is in use is kept, so that there may be more for a while. */
  const closeSurplus = () => {
    for (const [origin, { engine, calls }] of engines) {
      if (engines.size <= limits.maxEngines) return;
      if (calls > 0) continue;
      engines.delete(origin);
      engine.close();
    }
  };

  return {
    take(address) {
      if (isClosed) throw new RemoteFailure('closed', { isEngines: false });
      if (!URL.canParse(address)) throw new RemoteFailure('bad address', { isEngines: false });
      const { origin } = new URL(address);
      const entry = engines.get(origin) ?? {
        engine: {
          ...connectEngine(origin, limits),
          breaker: createBreaker({ maxFailures, openMs: limits.circuitOpenMs }),
        },
        calls: 0,
      };
      entry.calls += 1;
      engines.delete(origin);
      engines.set(origin, entry);
      closeSurplus();
      return {
        engine: entry.engine,
        release() {
          entry.calls -= 1;
          closeSurplus();
        },
      };
    },
    close() {
      isClosed = true;
      for (const { engine } of engines.values()) engine.close();
      engines.clear();
    },
  };
}

import { hostname } from 'node:os';
import type { Agent } from 'undici';
import type { Context } from '../../context.ts';
import { createOwnClaim } from '../../dispatch/claim-own.ts';
import type { Sender } from '../../dispatch/dispatch.ts';
import { startDispatch } from '../../dispatch/start-dispatch.ts';
import { describeError } from '../../errors.ts';
import type { StatusRecorder } from '../integration/status-recorder.ts';
import { findIntegration } from '../integration/store.ts';
import { loadStreams, sealBubble } from '../stream-store.ts';
import { textOf } from '../texts.ts';
import { type ConnectionTimes, usualTimes } from './connection.ts';
import { listUnreachable, noteHeartbeats } from './connection-store.ts';
import { createDialPace } from './dial-pace.ts';
import { type Holding, startHolding } from './hold-bots.ts';
import { type KeepTimes, usualWaits } from './keep-connected.ts';
import type { LiveBot } from './live-bot.ts';
import { startPushing } from './push-drafts.ts';
import { createQuota } from './quota.ts';
import { createConnectionSenders } from './senders.ts';
import { serveBot } from './serve-bot.ts';

/** The longest that a bot is held by a process that has died: within half a minute it is connected by another. */
const maxHolderMs = 12_000;

/** A bot that is given back is closed no later, whatever is on its way: its holder has to be renewed meanwhile. */
const maxFinishMs = 1000;

/** Bots that are taken, or given back, in a round; there are six in a lease. */
const mostPerRound = 100;

/** A bot that was seen to be unreachable may be connected by somebody in the next moment. */
const seenMs = 1000;

export interface LongConnectionOptions {
  recorder: StatusRecorder;
  agent: Agent;
  times?: Partial<KeepTimes & ConnectionTimes>;
}

export interface LongConnections {
  /** Begins to hold bots. */
  hold(): void;
  /** Looks now at which bots are to be held here. */
  wake(): void;
  /** Something waits to be delivered for a bot. */
  wakeBot(integrationId: string): void;
  /** Looks for what waits to be delivered for any bot, also for those that nobody can reach. */
  tick(): void;
  /** Delivers what is under way, closes all connections and gives the bots free. */
  stop(graceMs: number): Promise<void>;
}

/** What serves bots that are dialled, as soon as it holds some. See README.md. */
export function startLongConnections(context: Context, options: LongConnectionOptions): LongConnections {
  const { database, config, logger, metrics, alone, reached } = context;
  const leaseMs = config.LEASE_SECONDS * 1000;
  const bots = new Map<string, LiveBot>();
  const beaten = new Set<string>();
  const pace = createDialPace();
  const leftovers = new Set<Promise<unknown>>();
  let holding: Holding | undefined;
  let unreachable: { ids: readonly string[]; untilMs: number } = { ids: [], untilMs: 0 };
  const onError = (error: unknown) => logger.error({ error: describeError(error) }, 'long connections: it goes on');

  const claim = createOwnClaim({
    session: database,
    leaseMs,
    keys() {
      const connected = [...bots.values()].filter(isConnected).map((bot) => bot.integrationId);
      const others = performance.now() < unreachable.untilMs ? unreachable.ids : [];
      return [...new Set([...connected, ...others])];
    },
  });
  const onReady = (integrationId: string) => {
    claim.warm(integrationId);
    dispatch.wake();
  };
  const pushing = startPushing({
    bots,
    load: (ids) => loadStreams(database, ids),
    lastWords: async (id, why) => textOf((await findIntegration(database, id)) ?? { language: 'zh', texts: {} }, why),
    seal: (streamId) => sealBubble(database, streamId),
    onFinal: onReady,
    onError,
  });
  const senders = new Map<string, Sender>(createConnectionSenders({ context, bots, pushing, agent: options.agent }));
  const dispatch = startDispatch({
    ...{ database, logger, metrics, alone, reached, senders, claim, leaseMs },
    concurrency: config.DISPATCH_WORKERS,
    sendTimeoutMs: config.BIZCOMM_TIMEOUT_MS,
    backoff: { baseMs: config.DISPATCH_BACKOFF_MS, maxMs: config.DISPATCH_BACKOFF_MAX_SECONDS * 1000 },
  });

  function hold(integrationId: string, holderId: string) {
    const closing = new AbortController();
    const bot: LiveBot = { integrationId, connection: undefined, quota: createQuota() };
    bots.set(integrationId, bot);
    const times = { ...usualTimes, ...usualWaits, ...options.times };
    const onHeartbeat = (id: string) => void beaten.add(id);
    const mayAct = () => holding?.mayAct() === true;
    const told = { mayAct, onReady, onHeartbeat };
    const serving = { context, recorder: options.recorder, pushing, pace, holderId, times, ...told };
    const served = serveBot(serving, bot, closing.signal).catch(onError);
    const left = served.then((rest) => rest?.settled).finally(() => leftovers.delete(left));
    leftovers.add(left);
    return {
      async close() {
        const last = bot.connection;
        bot.connection = undefined;
        if (bots.get(integrationId) === bot) {
          bots.delete(integrationId);
          pushing.forget(integrationId);
        }
        // Else a message whose acknowledgement nobody has heard would be said again.
        if (mayAct()) await last?.finish('it is to be closed', Math.min(maxFinishMs, leaseMs / 6));
        closing.abort();
        await served;
      },
    };
  }

  async function onRound(holderId: string): Promise<void> {
    const ids = [...beaten];
    beaten.clear();
    await noteHeartbeats(database, holderId, ids);
  }

  return {
    hold() {
      const holder = { leaseMs: Math.min(leaseMs, maxHolderMs), name: `${hostname()}/${process.pid}` };
      holding = startHolding({ database, mostPerRound, ...holder, hold, onRound, onError });
    },
    wake: () => holding?.wake(),
    wakeBot: onReady,
    tick() {
      void listUnreachable(database).then((ids) => {
        unreachable = { ids, untilMs: performance.now() + seenMs };
        claim.warmAll();
        dispatch.wake();
      }, onError);
    },
    async stop(graceMs) {
      await dispatch.stop(graceMs);
      await holding?.stop();
      await pushing.stop();
      await Promise.all(leftovers);
    },
  };
}

const isConnected = ({ connection }: LiveBot) => connection !== undefined;

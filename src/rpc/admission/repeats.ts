import { findEvent } from '../../article/event-store.ts';
import type { Context } from '../../context.ts';
import { describeError } from '../../errors.ts';
import { channelOf } from '../../message/channel.ts';
import { findKnown } from '../../message/store.ts';
import { createGate, Refused } from './gate.ts';
import type { Load } from './load.ts';

/** Looks up whether messages or events were accepted before. */
export interface Repeats {
  /** Whether all of these were. False as well where that can't be found out shortly. */
  includes(loads: readonly Load[], signal: AbortSignal): Promise<boolean>;
}

/** Look-ups at once: each is a read or few by a unique key. */
const slots = 2;

/** A call may bring so many events (NotifyArticleEventRequest.item). */
const maxLoads = 100;

/** Accounts take turns at it, and wait for little: who floods is to be refused at once. */
export function createRepeats({ config, database, logger }: Context, find: Find): Repeats {
  const gate = createGate({ slots, maxWaiting: config.ACCEPT_QUEUE_CALLS, maxWaitMs: config.ACCEPT_WAIT_MS / 5 });
  return {
    async includes(loads, signal) {
      if (loads.length > maxLoads) return false;
      let leave = () => {};
      try {
        leave = await gate.enter(loads[0]?.appid ?? '', signal);
        for (const load of loads) if (!(await find(database, load))) return false;
        return true;
      } catch (error) {
        if (!(error instanceof Refused))
          logger.warn({ error: describeError(error) }, 'a repeat could not be looked up');
        return false;
      } finally {
        leave();
      }
    },
  };
}

/** Whether one was accepted before. */
type Find = (session: Context['database'], load: Load) => Promise<boolean>;

/** By message_by_msgid. */
export const findMessage: Find = async (session, { appid, id, isDebug }) =>
  (await findKnown(session, { appid, channel: channelOf(isDebug), msgid: id })) !== undefined;

/** By the primary key. */
export const findArticleEvent: Find = async (session, { appid, id }) =>
  (await findEvent(session, appid, id)) !== undefined;

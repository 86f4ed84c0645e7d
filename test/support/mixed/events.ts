/** Sends an account's events, and tells when one was handled. */
import assert from 'node:assert/strict';
import type { Account } from '../accounts.ts';
import type { Answer } from '../service.ts';

export interface MixedEvent {
  event_type: number;
  [field: string]: unknown;
}

export interface MixedEvents {
  /** Sends new events in one call; false: the account or the base is not there (any more). */
  send(events: MixedEvent[], onTold?: () => void): Promise<boolean>;
  /** Sends one that was accepted before once more. */
  repeat(pick: <T>(list: readonly T[]) => T): Promise<void>;
  /** The account was deleted: from now on the id of an event that was accepted before is that of a new one. */
  startAfresh(): void;
  /** Looks at the notices that have arrived. */
  look(): void;
  /** What was accepted and not told yet. */
  waiting(): MixedEvent[];
  /** What these events take away is taken away, and they are never told: their base is deleted. */
  cancel(isGone: (event: MixedEvent) => boolean): void;
}

export function createMixedEvents(
  account: Account,
  call: (path: string, body: unknown) => Promise<Answer>,
): MixedEvents {
  const { appid, wechat } = account;
  const accepted: MixedEvent[] = [];
  let waiting: { event: MixedEvent; eventId: string; onTold: () => void }[] = [];
  let count = 0;
  let seen = 0;
  return {
    async send(events, onTold = () => {}) {
      const item = events.map((event) => ({ ...event, appid, event_id: `e${++count}` }));
      const { errcode, errmsg } = await call('article/event_notity', { item });
      if (errcode === 40401) return false;
      assert.equal(errcode, 0, errmsg);
      accepted.push(...item);
      const last = item.length - 1;
      const added = item.map((event, at) => ({
        event,
        eventId: event.event_id,
        onTold: at === last ? onTold : () => {},
      }));
      waiting.push(...added.filter(({ event }) => event.event_type !== 12));
      return true;
    },
    async repeat(pick) {
      if (accepted.length === 0) return;
      const { errcode, errmsg } = await call('article/event_notity', { item: [pick(accepted)] });
      assert.ok(errcode === 0 || errcode === 40401, errmsg);
    },
    startAfresh() {
      accepted.length = 0;
    },
    look() {
      for (; seen < wechat.state.notices.length; seen++) {
        const { eventId } = wechat.state.notices[seen]!;
        const at = waiting.findIndex((each) => each.eventId === eventId);
        if (at < 0) continue;
        const [told] = waiting.splice(at, 1);
        told!.onTold();
      }
    },
    waiting: () => waiting.map(({ event }) => event),
    cancel(isGone) {
      for (const { onTold } of waiting.filter(({ event }) => isGone(event))) onTold();
      waiting = waiting.filter(({ event }) => !isGone(event));
    },
  };
}

/** Which way a dispatch takes: the one that it was enqueued for, or the one that takes its place. */
export type Route = 'first' | 'fallback';

/** One thing to be delivered, as a sender sees it. */
export interface Dispatch {
  dispatchId: string;
  laneId: string;
  sequence: number;
  /** Names the sender. */
  kind: string;
  appid: string;
  /** The bot's integration; empty: none. */
  integrationId: string;
  /** What the sender made at enqueueing, as JSON. */
  payload: string;
  /** Kind and payload are this route's. */
  route: Route;
  /** Whether another route can take the place of this one. */
  hasFallback: boolean;
  /** How often sending was begun and how often it ended, this time left out. */
  started: number;
  finished: number;
  /** Whether its time is over, by the database's clock. */
  expired: boolean;
  /** When its time is over, by `performance.now()`; rather too early than too late. */
  endsMs: number;
}

/** Delivers the dispatches of one kind. Throws a CallError where it knows what went wrong; else it counts as transient. */
export type Sender = (dispatch: Dispatch, signal: AbortSignal) => Promise<void>;

/** Senders by kind. */
export type Senders = ReadonlyMap<string, Sender>;

/** Thrown by a sender that has sent nothing, since it is too early: it is asked again after `waitMs`. No try is counted. */
export class NotYet extends Error {
  readonly waitMs: number;

  constructor(waitMs: number) {
    super(`not to be sent for ${waitMs} ms`);
    this.name = 'NotYet';
    this.waitMs = waitMs;
  }
}

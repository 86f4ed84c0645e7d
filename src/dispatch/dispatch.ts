/** One thing to be delivered, as a sender sees it. */
export interface Dispatch {
  dispatchId: string;
  laneId: string;
  sequence: number;
  /** Names the sender. */
  kind: string;
  appid: string;
  /** What the sender made at enqueueing, as JSON. */
  payload: string;
  /** How often sending was begun and how often it ended, this time left out. */
  started: number;
  finished: number;
  /** Whether its time is over, by the database's clock. */
  expired: boolean;
}

/** Delivers the dispatches of one kind. Throws a CallError where it knows what went wrong; else it counts as transient. */
export type Sender = (dispatch: Dispatch, signal: AbortSignal) => Promise<void>;

/** Senders by kind. */
export type Senders = ReadonlyMap<string, Sender>;

/** What WeCom's errcodes mean for what is sent over a long connection (reference/wecom-protocol.md, B.11). */
import { CallError, type Verdict } from '../../errors.ts';
import type { Ack } from './frame.ts';

/** Nothing can be said in answer to this request any more: its time is over, or it is not ours to answer. */
const closed = new Set([846_605, 846_606, 846_608]);

/** Limits, and another frame for the same request that is not acknowledged yet. */
const limits = new Set([45_009, 45_033, 846_607]);
const conflict = 6000;

/** This very frame will never be taken. */
const refused = new Set([40_008, 40_058, 40_201, 42_014, 42_045, 45_002, 86_008, 93_006]);

const limitWaitMs = 5000;
const conflictWaitMs = 500;

/** WeCom has refused a frame. */
export class Refused extends CallError {
  readonly errcode: number;

  constructor(cmd: string, errcode: number, verdict: Verdict, retryAfterMs?: number) {
    super(`${cmd} was answered with errcode ${errcode}`, { verdict, retryAfterMs });
    this.name = 'Refused';
    this.errcode = errcode;
  }
}

/** Whether it is a limit that WeCom has refused a frame for. */
export const isLimit = (error: unknown) => error instanceof Refused && limits.has(error.errcode);

/** WeCom's errcode of a refusal; 0: it is none. */
export const errcodeOf = (error: unknown) => (error instanceof Refused ? error.errcode : 0);

/** Throws a Refused where an acknowledgement is one. What is not known is tried again. */
export function checkAck(cmd: string, { errcode }: Pick<Ack, 'errcode'>): void {
  if (errcode === 0) return;
  if (closed.has(errcode)) throw new Refused(cmd, errcode, 'closed');
  if (limits.has(errcode)) throw new Refused(cmd, errcode, 'transient', limitWaitMs);
  if (errcode === conflict) throw new Refused(cmd, errcode, 'transient', conflictWaitMs);
  throw new Refused(cmd, errcode, refused.has(errcode) ? 'permanent' : 'transient');
}

/** What bots have said, for `say` to print. */
import { keyOf, type Place } from './chats.ts';
import type { Media } from './uploads.ts';

/** A frame of a bot. */
export interface SaidFrame {
  /** They count from 1. */
  n: number;
  cmd: string;
  /** What was said to it. */
  errcode: number;
  body: unknown;
  /** What its media_id is. */
  media?: Pick<Media, 'type' | 'filename' | 'bytes'> | undefined;
}

export interface FrameLog {
  /** The number of the last one. */
  last(): number;
  add(frame: NewFrame): void;
  /** Those that answer a callback, or were sent to its place, after number `after`. */
  list(reqId: string, place: Place | undefined, after: number): SaidFrame[];
}

export interface NewFrame extends Omit<SaidFrame, 'n'> {
  reqId: string;
  /** Where it says it; undefined: unknown, for it was refused. */
  place: Place | undefined;
  bytes: number;
}

const maxFrames = 5000;
const maxKeptBytes = 16 * 1024 * 1024;
/** In one answer. */
const maxListed = 200;

export function createFrameLog(): FrameLog {
  const kept: (SaidFrame & { reqId: string; key: string; bytes: number })[] = [];
  let count = 0;
  let keptBytes = 0;
  return {
    last: () => count,
    add({ reqId, place, bytes, ...frame }) {
      kept.push({ ...frame, n: ++count, reqId, key: place === undefined ? '' : keyOf(place), bytes });
      keptBytes += bytes;
      while (kept.length > maxFrames || keptBytes > maxKeptBytes) keptBytes -= kept.shift()!.bytes;
    },
    list(reqId, place, after) {
      const key = place === undefined ? undefined : keyOf(place);
      return kept
        .filter((each) => each.n > after)
        .filter((each) => each.reqId === reqId || (each.cmd === 'aibot_send_msg' && each.key === key))
        .slice(0, maxListed)
        .map(({ n, cmd, errcode, body, media }) => ({ n, cmd, errcode, body, media }));
    },
  };
}

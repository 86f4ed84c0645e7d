/**
 * What WeCom takes in a chat: 30 frames a minute and 1,000 an hour, replies and pushes together. Answers wait until there
 * is room; drafts are only sent where they leave some for what is not one, and the seldomer the more was sent.
 *
 * It is the receiver's limit, so it is counted where everything for a bot is sent: by whoever holds its connection. The
 * next one begins at nothing, and WeCom tells it when that was too much.
 */
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const mostAMinute = 30;
const mostAnHour = 1000;

/** Left for answers, cards and errors by drafts. */
const keptAMinute = 5;
const keptAnHour = 50;

/** Between two drafts, by how many frames were sent in the last minute. */
const paces = [
  { below: 8, everyMs: 1000 },
  { below: 16, everyMs: 2500 },
  { below: mostAMinute - keptAMinute, everyMs: 5000 },
] as const;

const maxSlowness = 64;

/** So many chats are remembered before those that were quiet for an hour are looked for, and twice what is left then. */
const leastSwept = 1000;

export interface Quota {
  /**
   * Counts a frame for a chat and returns 0; or doesn't, and returns in how many milliseconds there may be room. What opens
   * a bubble leaves as much for answers as drafts do, but has to wait for none before it.
   */
  take(chat: string, kind: 'draft' | 'opening' | 'answer'): number;
  /** WeCom has refused one for the limit: drafts become rarer for a while. */
  refused(chat: string): void;
  /** How many chats are remembered. */
  size(): number;
}

interface Sent {
  /** When frames were sent, the oldest first; not older than an hour. */
  atMs: number[];
  draftMs: number;
  /** Multiplies what is between drafts; halves each minute. */
  slowness: number;
  slowedMs: number;
}

export function createQuota(now: () => number = () => performance.now()): Quota {
  const chats = new Map<string, Sent>();
  let sweepAt = leastSwept;

  function sentTo(chat: string): Sent {
    const known = chats.get(chat);
    if (known !== undefined) return known;
    if (chats.size >= sweepAt) sweep();
    const sent = { atMs: [], draftMs: Number.NEGATIVE_INFINITY, slowness: 1, slowedMs: Number.NEGATIVE_INFINITY };
    chats.set(chat, sent);
    return sent;
  }

  function sweep(): void {
    const quietMs = now() - hourMs;
    for (const [chat, { atMs, slowedMs }] of chats)
      if (Math.max(atMs.at(-1) ?? slowedMs, slowedMs) <= quietMs) chats.delete(chat);
    sweepAt = Math.max(leastSwept, 2 * chats.size);
  }

  return {
    take(chat, kind) {
      const sent = sentTo(chat);
      const nowMs = now();
      sent.atMs = sent.atMs.filter((each) => each > nowMs - hourMs);
      const waitMs = waitFor[kind](sent, nowMs);
      if (waitMs > 0) return waitMs;
      sent.atMs.push(nowMs);
      if (kind === 'draft') sent.draftMs = nowMs;
      return 0;
    },
    refused(chat) {
      const sent = sentTo(chat);
      sent.slowness = Math.min(maxSlowness, slownessAt(sent, now()) * 2);
      sent.slowedMs = now();
    },
    size: () => chats.size,
  };
}

function answerWaitMs({ atMs }: Sent, nowMs: number): number {
  return Math.max(roomInMs(atMs, nowMs, mostAMinute, minuteMs), roomInMs(atMs, nowMs, mostAnHour, hourMs));
}

function openingWaitMs({ atMs }: Sent, nowMs: number): number {
  return Math.max(
    roomInMs(atMs, nowMs, mostAMinute - keptAMinute, minuteMs),
    roomInMs(atMs, nowMs, mostAnHour - keptAnHour, hourMs),
  );
}

function draftWaitMs(sent: Sent, nowMs: number): number {
  const { atMs, draftMs } = sent;
  const inMinute = atMs.filter((each) => each > nowMs - minuteMs).length;
  const pace = paces.find(({ below }) => inMinute < below);
  const everyMs = (pace?.everyMs ?? minuteMs) * slownessAt(sent, nowMs);
  return Math.max(openingWaitMs(sent, nowMs), draftMs + everyMs - nowMs, 0);
}

const waitFor = { draft: draftWaitMs, opening: openingWaitMs, answer: answerWaitMs } as const;

const slownessAt = ({ slowness, slowedMs }: Sent, nowMs: number) =>
  Math.max(1, slowness / 2 ** Math.floor((nowMs - slowedMs) / minuteMs));

/** In how many milliseconds fewer than `most` of the last `spanMs` are left. */
function roomInMs(atMs: readonly number[], nowMs: number, most: number, spanMs: number): number {
  const oldest = atMs.at(-most); // of the last `most`
  return oldest === undefined ? 0 : Math.max(0, oldest + spanMs - nowMs);
}

/** What became of all that was asked: the figures, and which promises are broken. */
import type { Arrival } from '../support/fault-receiver.ts';

/** A question that was acknowledged. */
export interface Asked {
  msgid: string;
  openid: string;
  /** Its place in its conversation, from 0. */
  index: number;
  /** What the answer must say. */
  expected: string;
}

/** Something that may leave a reply sent and not recorded. */
export interface Blow {
  what: 'replica' | 'database' | 'stall';
  /** Whom; for 'database', everybody. */
  name: string;
  atMs: number;
  /** Whose conversation; absent: all. */
  openid?: string;
}

export interface Tally {
  asked: number;
  /** Questions whose answer was taken. */
  distinct: number;
  /** Replies that arrived, those that the receiver failed among them. */
  arrivals: number;
  /** Replies that were taken although the same one had been taken before. */
  duplicates: number;
  /** Of these, those after a replica stood still: it gave up waiting for the answer, or lost its lane. */
  stalled: number;
  /** Of these, those that nothing explains: each kill explains one in each lane that the killed one had sent from. */
  unexplained: number;
  /** Replies that came again because the receiver took them and said that it had failed. */
  askedFor: number;
  /** Arrivals before an earlier question's answer was taken, or after a later one's. */
  misordered: number;
  /** Repeats that differ from the first, and answers to something else. */
  altered: number;
  /** One of these, for people. */
  alteredSample?: string;
  lost: number;
  /** Questions that were answered with the "sorry", and dispatches that were buried or expired. */
  dead: number;
  kills: number;
  databaseKills: number;
}

/** A kill and what it cut off may be noted in either order. */
const slackMs = 2000;

/** Draws up the figures. `waitText`: the text that asks for patience, which stands outside of the order. */
export function tallyUp(
  asked: readonly Asked[],
  arrivals: readonly Arrival[],
  { blows, dead, waitText }: { blows: readonly Blow[]; dead: number; waitText: string },
): Tally {
  const known = new Map(asked.map((question) => [question.msgid, question]));
  const tally: Tally = {
    asked: asked.length,
    ...{ distinct: 0, arrivals: arrivals.length, duplicates: 0, stalled: 0, unexplained: 0, askedFor: 0 },
    ...{ misordered: 0, altered: 0, lost: 0, dead },
    kills: blows.filter(({ what }) => what === 'replica').length,
    databaseKills: blows.filter(({ what }) => what === 'database').length,
  };
  const first = new Map<string, Arrival>();
  const lastHad = new Map<string, Arrival>();
  const lastTaken = new Map<string, Arrival>();
  const reached = new Map<string, number>();
  const used = new Set<string>();
  for (const arrival of arrivals) {
    const isWait = arrival.text === waitText;
    const key = `${isWait ? 'wait ' : ''}${arrival.msgid}`;
    const question = known.get(arrival.msgid);
    const before = first.get(key);
    const alter = () => {
      tally.altered++;
      tally.alteredSample ??= `${arrival.body} where ${question?.expected ?? 'nothing'} was expected, after ${before?.body}`;
    };
    if (question === undefined || (before !== undefined && before.body !== arrival.body)) alter();
    if (before === undefined) first.set(key, arrival);
    if (question !== undefined && !isWait) {
      if (before === undefined && !arrival.text.includes(question.expected)) alter();
      // All before it were had, none after it.
      const due = reached.get(question.openid) ?? 0;
      if (question.index !== due && !(question.index === due - 1 && before !== undefined)) tally.misordered++;
      const isHad = arrival.outcome === 'taken' || arrival.outcome === 'executed';
      if (isHad && question.index === due) reached.set(question.openid, due + 1);
    }
    const previous = lastTaken.get(key);
    if (arrival.outcome === 'taken') {
      if (previous !== undefined) {
        tally.duplicates++;
        const cause = explain(previous, arrival, blows, used);
        if (cause === undefined) tally.unexplained++;
        if (cause === 'stall') tally.stalled++;
      } else if (!isWait && question !== undefined) tally.distinct++;
      lastTaken.set(key, arrival);
    }
    if (lastHad.get(key)?.outcome === 'executed') tally.askedFor++;
    if (arrival.outcome === 'taken' || arrival.outcome === 'executed') lastHad.set(key, arrival);
  }
  tally.lost = tally.asked - tally.distinct;
  return tally;
}

/** The blow to the sender that came between the two; each explains one repeat in each lane. */
function explain(
  previous: Arrival,
  again: Arrival,
  blows: readonly Blow[],
  used: Set<string>,
): Blow['what'] | undefined {
  for (const [index, { what, name, atMs, openid = previous.openid }] of blows.entries()) {
    // A lane that was lost may be noted only after its next holder has sent.
    const isCutOff = atMs > previous.atMs - slackMs && (atMs < again.atMs || what === 'stall');
    const key = `${index} ${previous.openid}`;
    const isSender = what === 'database' || name === previous.sender;
    if (!isCutOff || !isSender || openid !== previous.openid || used.has(key)) continue;
    used.add(key);
    return what;
  }
  return undefined;
}

/** The promises that a tally breaks, in words. */
export function brokenPromises(tally: Tally, { duplicates }: { duplicates: 'none' | 'explained' }): string[] {
  const broken: [boolean, string][] = [
    [tally.lost > 0, `${tally.lost} lost`],
    [tally.misordered > 0, `${tally.misordered} out of order`],
    [tally.altered > 0, `${tally.altered} repeats or answers altered, such as ${tally.alteredSample}`],
    [tally.dead > 0, `${tally.dead} dead`],
    [tally.unexplained > 0, `${tally.unexplained} repeats that nothing explains`],
    [duplicates === 'none' && tally.duplicates > 0, `${tally.duplicates} repeats`],
  ];
  return broken.filter(([isBroken]) => isBroken).map(([, words]) => words);
}

/**
 * The storm: replicas and the database are killed again and again while users ask and the receiver fails in every way.
 * Nothing is lost, nothing comes out of order, and only a kill between sending and recording repeats a reply.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../support/random.ts';
import { describeRepeats, startAsking } from './ask.ts';
import { appid, type Field, type Ground, grounds, openField, untilDone, waitText } from './field.ts';
import type { PartResult } from './report.ts';
import { type Asked, brokenPromises, tallyUp } from './tally.ts';

export interface StormOptions {
  seed: number;
  /** Where the data is; its databases are empty, and it is closed at the end. */
  ground: Ground;
  replicas?: number;
  /** Over all conversations. */
  questions?: number;
  conversations?: number;
  /** Of replicas. */
  kills?: number;
  /** Of the database; only where the ground can do it. */
  databaseKills?: number;
  /** The share of replies that the receiver fails. */
  faultShare?: number;
  env?: Record<string, string>;
  /** Settings of each replica, from 0. */
  envOf?(index: number): Record<string, string>;
  /** Put behind the name of the ground. */
  title?: string;
  /** A question that kills the process whenever it is answered is asked as well; so often it may do that. */
  poison?: { text: string; deaths: number };
}

/** How large the storms of `make chaos` are; the environment can make them smaller or larger. */
export const stormSize = {
  questions: Number(process.env.CHAOS_QUESTIONS ?? 3000),
  conversations: Number(process.env.CHAOS_CONVERSATIONS ?? 30),
  kills: Number(process.env.CHAOS_KILLS ?? 25),
  databaseKills: Number(process.env.CHAOS_DATABASE_KILLS ?? 4),
};

/** The part `storm`: on MariaDB and on SQLite. */
export async function* storm(seed: number): AsyncGenerator<PartResult> {
  for await (const ground of grounds(createRandom(seed))) yield await runStorm({ seed, ground, ...stormSize });
}

/** So many questions of a user wait for their answers at most; with more, he would be asked for patience. */
const maxUnanswered = 12;

/** Runs a storm until all that was asked has arrived, or nothing moves any more. */
export async function runStorm(options: StormOptions): Promise<PartResult> {
  const { seed, ground, replicas = 3, questions = 3000, conversations = 30, faultShare = 0.1 } = options;
  const random = createRandom(seed);
  const startedMs = performance.now();
  const { env, envOf } = options;
  const field = await openField({ random, ground, replicas, ...(env && { env }), ...(envOf && { envOf }) });
  const over = new AbortController();
  const broken: string[] = [];
  const asked: Asked[] = [];
  try {
    field.receiver.faultShare = faultShare;
    const taken = watchTaken(field);
    const { poison } = options;
    let deaths = 0;
    if (poison !== undefined) {
      for (const replica of field.replicas) {
        replica.onFailure = (how) => {
          if (how !== 'SIGKILL') return;
          deaths++;
          replica.failures.pop(); // it was not by itself
          field.blows.push({ what: 'replica', name: replica.name, atMs: performance.now() });
        };
      }
    }
    const perUser = Math.ceil(questions / conversations);
    const poisonAt = Math.floor(perUser / 4) + random.below(Math.ceil(perUser / 4));
    const asking = startAsking({
      random,
      appid,
      conversations,
      questions: perUser,
      content: (openid, index) =>
        poison !== undefined && openid === 'user-0' && index === poisonAt
          ? { text: poison.text, expected: '抱歉' }
          : undefined,
      urls: field.urls,
      signal: over.signal,
      onAsked: (question) => asked.push(question),
      // So that asking, answering and delivering are under way all along.
      pace: async (openid, acknowledged) => {
        while (acknowledged - taken.of(openid) > maxUnanswered) await sleep(30, undefined, { signal: over.signal });
      },
    });
    const all = conversations * perUser;
    const progress = () => asked.length + taken.count();
    const plan = planBlows(options, random);
    const killing = rain(field, plan, { ground, random, signal: over.signal, share: () => progress() / (2 * all) });
    const watching = setInterval(() => {
      const kills = `${field.blows.length} of ${plan.length} kills`;
      process.stderr.write(`  … asked ${asked.length}, answered ${taken.count()} of ${all}, ${kills}\n`);
    }, 20_000);
    over.signal.addEventListener('abort', () => clearInterval(watching));
    await untilDone('the storm', progress, () => asked.length === all && taken.count() === all).catch((error) =>
      broken.push(error.message),
    );
    over.abort();
    await killing.catch((error) => broken.push(String(error)));
    await asking.done.catch(() => {});
    await untilDone('settling', progress, async () => (await field.count()).pending === 0, 30_000).catch((error) =>
      broken.push(error.message),
    );
    const { dead } = await field.count();
    broken.push(...(await field.end()));
    const blows = [...field.blows, ...(await field.stalls.list(field.database))];
    const tally = tallyUp(asked, field.receiver.arrivals, {
      blows,
      dead: dead - (poison === undefined ? 0 : 1),
      waitText,
    });
    if (asked.length < all) broken.push(`only ${asked.length} of ${all} were acknowledged`);
    broken.push(...brokenPromises(tally, { duplicates: 'explained' }));
    const failed = field.receiver.arrivals.filter(({ outcome }) => outcome !== 'taken').length;
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    if (deaths !== (poison?.deaths ?? 0)) broken.push(`${deaths} deaths by the poison, not ${poison?.deaths ?? 0}`);
    if (poison !== undefined && dead !== 1) broken.push(`${dead} were given up, not the poison alone`);
    const notes = [
      ...(poison === undefined ? [] : [`${deaths} deaths by the poison, which was given up`]),
      `${failed} failed by the receiver`,
      describeRepeats(asking),
      `${seconds} s`,
    ];
    const title = `storm on ${ground.name}${options.title ? ` ${options.title}` : ''}, ${replicas} replicas`;
    return { title, seed, tally, notes, broken };
  } finally {
    over.abort();
    await field.close();
  }
}

/** How many different replies were taken, counted along: of all users, and of one. */
function watchTaken({ receiver }: Field): { count(): number; of(openid: string): number } {
  const taken = new Set<string>();
  const byUser = new Map<string, number>();
  let seen = 0;
  const look = () => {
    const { arrivals } = receiver;
    for (; seen < arrivals.length && arrivals[seen]!.outcome !== 'open'; seen++) {
      const { outcome, text, msgid, openid } = arrivals[seen]!;
      if (outcome !== 'taken' || text === waitText || taken.has(msgid)) continue;
      taken.add(msgid);
      byUser.set(openid, (byUser.get(openid) ?? 0) + 1);
    }
  };
  return {
    count() {
      look();
      return taken.size;
    },
    of(openid) {
      look();
      return byUser.get(openid) ?? 0;
    },
  };
}

type Target = 'replica' | 'database';

function planBlows({ ground, kills = 25, databaseKills = 4 }: StormOptions, random: { below(end: number): number }) {
  const blows: Target[] = Array.from({ length: kills }, () => 'replica');
  const several = ground.killDatabase === undefined ? 0 : databaseKills;
  for (let nth = 0; nth < several; nth++) {
    // One in each stretch of equal length.
    const stretch = Math.floor(kills / several);
    blows.splice(nth * (stretch + 1) + random.below(stretch + 1), 0, 'database');
  }
  return blows;
}

/** Deals the blows, spread over the way from nothing to all that is asked and answered. */
async function rain(
  field: Field,
  blows: Target[],
  {
    ground,
    random,
    signal,
    share,
  }: {
    ground: Ground;
    random: { below(end: number): number; pick<T>(list: readonly T[]): T };
    signal: AbortSignal;
    share: () => number;
  },
): Promise<void> {
  let nth = 0;
  for (const [index, target] of blows.entries()) {
    const at = (index + random.below(1000) / 1000) / (blows.length + 1);
    while (share() < at && !signal.aborted) await sleep(5);
    await sleep(random.below(40));
    if (target === 'replica') {
      const serving = field.replicas.filter(({ url }) => url !== undefined);
      field.kill(random.pick(serving.length > 0 ? serving : field.replicas));
    } else {
      field.blows.push({ what: 'database', name: '', atMs: performance.now() });
      await ground.killDatabase!(nth++);
    }
  }
}

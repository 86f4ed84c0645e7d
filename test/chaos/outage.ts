/**
 * A long outage: the receiver is down while a backlog grows, then it is up again. The tries meanwhile are as few as the
 * backoff says, the backlog drains as fast at its end as at its beginning, and a claim costs what it cost before.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { findHead } from '../../src/dispatch/begin.ts';
import { enqueue } from '../../src/dispatch/enqueue.ts';
import { claimLanes } from '../support/dispatching.ts';
import { createRandom } from '../support/random.ts';
import { appid, onMariadb, openField, untilDone, waitText } from './field.ts';
import type { PartResult } from './report.ts';
import { type Asked, brokenPromises, tallyUp } from './tally.ts';

const backoff = { baseMs: 100, maxMs: 4000 };
const env = {
  DISPATCH_BACKOFF_MS: String(backoff.baseMs),
  DISPATCH_BACKOFF_MAX_SECONDS: String(backoff.maxMs / 1000),
};

/** The part `outage`. */
export async function* outage(seed: number): AsyncGenerator<PartResult> {
  const backlog = Number(process.env.CHAOS_BACKLOG ?? 10_000);
  for (const lanes of [10, 500]) yield await runOutage(seed, lanes, backlog);
  yield await measureClaims(seed);
}

async function runOutage(seed: number, lanes: number, backlog: number): Promise<PartResult> {
  const random = createRandom(seed);
  const ground = await onMariadb(random);
  // One process, so that no lane has a faster worker than another.
  const field = await openField({ random, ground, replicas: 1, env });
  const { receiver } = field;
  const database = openDatabase({ url: ground.urls[0]!, poolSize: 10, queryTimeoutMs: 20_000 });
  try {
    receiver.down = true;
    const downMs = performance.now();
    const asked = await fill(database, lanes, backlog);
    const left = 20_000 - (performance.now() - downMs);
    if (left > 0) await sleep(left);
    const tries = receiver.refused;
    const outageMs = performance.now() - downMs;
    const mostTries = lanes * mostTriesIn(outageMs);
    receiver.down = false;
    const done = () => receiver.arrivals.length;
    await untilDone('the drain', done, () => done() >= backlog, 60_000);
    await untilDone('settling', done, async () => (await field.count()).pending === 0);
    const { dead } = await field.count();
    const broken = await field.end();
    const blows = await field.stalls.list(field.database);
    const tally = tallyUp(asked, receiver.arrivals, { blows, dead, waitText });
    broken.push(...brokenPromises(tally, { duplicates: 'explained' }));
    const rates = ratesByTenth(receiver.arrivals.map(({ atMs }) => atMs));
    const mean = (some: number[]) => some.reduce((sum, rate) => sum + 1 / rate, 0) / some.length;
    // Three tenths each: a machine that others use, too, takes a rest now and then.
    const ratio = mean(rates.slice(7)) / mean(rates.slice(0, 3));
    if (!(ratio < 2)) broken.push(`the end drained ${ratio.toFixed(2)} times as slowly as the beginning`);
    if (tries > mostTries) broken.push(`${tries} tries during the outage`);
    const notes = [
      `${tries} tries during an outage of ${Math.round(outageMs / 1000)} s (${mostTries} at most)`,
      `drained at ${rates.map((rate) => rate.toFixed(0)).join(', ')} a second, by tenths; the last three took ${ratio.toFixed(2)} times as long as the first three`,
    ];
    return { title: `outage with ${backlog} in ${lanes} lanes on MariaDB, 1 replica`, seed, tally, notes, broken };
  } finally {
    await database.close();
    await field.close();
  }
}

/** Enqueues replies, in turn over the lanes; each lane is a conversation. */
async function fill(database: Database, lanes: number, backlog: number): Promise<Asked[]> {
  const asked: Asked[] = Array.from({ length: backlog }, (_, nth) => {
    const openid = `lane-${nth % lanes}`;
    const index = Math.floor(nth / lanes);
    return { openid, index, msgid: `${openid}-${index}`, expected: `answer ${index}` };
  });
  const writers = 10;
  const fillShare = async (writer: number) => {
    // Each writer has lanes of its own, so none waits for another.
    const mine = asked.filter(({ openid }) => Number(openid.slice(5)) % writers === writer);
    for (let at = 0; at < mine.length; at += 50) {
      await database.tx(async (tx) => {
        for (const { openid, msgid, expected } of mine.slice(at, at + 50)) {
          const payload = JSON.stringify({ msgid, openid, isDebug: 0, msgs: [{ type: 'text', content: expected }] });
          const key = { laneId: `lane:${openid}`, dedupeKey: msgid, kind: 'wxmp.reply.v2' };
          await enqueue(tx, { ...key, appid, payload, windowMs: 3_600_000 });
        }
      });
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => fillShare(writer)));
  return asked;
}

/** Tries of one lane: each wait is at least half of what it has doubled to. */
function mostTriesIn(ms: number): number {
  let tries = 1;
  for (let atMs = 0; ; tries++) {
    atMs += Math.min(backoff.maxMs, backoff.baseMs * 2 ** (tries - 1)) / 2;
    if (atMs > ms) return tries + 1;
  }
}

function ratesByTenth(times: number[]): number[] {
  const size = Math.floor(times.length / 10);
  return Array.from({ length: 10 }, (_, tenth) => {
    const seconds = (times[(tenth + 1) * size - 1]! - times[tenth * size]!) / 1000;
    return (size - 1) / seconds;
  });
}

/** What it takes to claim a lane and to find its head, with 1,000 and with 40,000 dispatches waiting. */
async function measureClaims(seed: number): Promise<PartResult> {
  const random = createRandom(seed);
  const ground = await onMariadb(random);
  const field = await openField({ random, ground, replicas: 1 });
  await field.end(); // it has made the schema
  const database = openDatabase({ url: ground.urls[0]!, poolSize: 10, queryTimeoutMs: 20_000 });
  try {
    const depths = [1000, Number(process.env.CHAOS_DEPTH ?? 40_000)] as const;
    await fill(database, 100, depths[0]);
    const shallow = await claimTime(database);
    await deepen(database, depths[1]);
    const deep = await claimTime(database);
    const ratio = deep / shallow;
    const broken = ratio <= 2 ? [] : [`a claim takes ${ratio.toFixed(2)} times as long`];
    const note = `a claim with its head takes ${shallow.toFixed(2)} ms with ${depths[0]} waiting, ${deep.toFixed(2)} ms with ${depths[1]}: ${ratio.toFixed(2)} times`;
    return { title: 'claims with a deep backlog on MariaDB', seed, notes: [note], broken };
  } finally {
    await database.close();
    await field.close();
  }
}

/** Adds dispatches behind those of the 100 lanes until there are `depth`. */
async function deepen(database: Database, depth: number): Promise<void> {
  await database.run('update lane set last_sequence = last_sequence + 1000000');
  const columns = (await database.all<{ name: string }>(database.dialect.columnsOf, ['dispatch'])).map(
    ({ name }) => name,
  );
  for (let nth = 1; ; nth++) {
    const [row] = await database.all<{ n: number }>('select count(*) n from dispatch');
    if (Number(row!.n) >= depth) return;
    const own: Record<string, string> = {
      dispatch_id: `concat(substr(dispatch_id, 1, 20), '${String(nth).padStart(6, '0')}')`,
      sequence: `sequence + ${nth * 1000}`,
      dedupe_key: `concat(dedupe_key, ':${nth}')`,
    };
    const values = columns.map((name) => own[name] ?? name).join(', ');
    // The first thousand again, behind themselves.
    await database.run(
      `insert into dispatch (${columns.join(', ')}) select ${values} from dispatch where sequence < 1000`,
    );
  }
}

/** The median in milliseconds. */
async function claimTime(database: Database): Promise<number> {
  const times: number[] = [];
  for (let nth = 0; nth < 400; nth++) {
    const startMs = performance.now();
    const [lease] = await claimLanes(database, 1, 0); // due again at once
    await findHead(database, lease!.id);
    times.push(performance.now() - startMs);
  }
  return times.toSorted((a, b) => a - b)[times.length / 2]!;
}

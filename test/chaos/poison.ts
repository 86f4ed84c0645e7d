/** A message that kills whoever answers it, amid others and random kills: it alone is given up, after five deaths. */
import { createRandom } from '../support/random.ts';
import { onMariadb } from './field.ts';
import type { PartResult } from './report.ts';
import { runStorm } from './storm.ts';

/** The part `poison`, with as many seeds as CHAOS_SEEDS says. */
export async function* poison(seed: number): AsyncGenerator<PartResult> {
  const seeds = Number(process.env.CHAOS_SEEDS ?? 3);
  for (let nth = 0; nth < seeds; nth++) {
    yield await runStorm({
      seed: seed + nth,
      ground: await onMariadb(createRandom(seed + nth)),
      questions: Number(process.env.CHAOS_QUESTIONS ?? 600),
      conversations: Number(process.env.CHAOS_CONVERSATIONS ?? 30),
      kills: Number(process.env.CHAOS_KILLS ?? 8),
      databaseKills: 0,
      title: 'with a poison',
      env: { KILL_ON: '〔毒〕' },
      poison: { text: '〔毒〕第103号展柜里放着什么？', deaths: 5 },
    });
  }
}

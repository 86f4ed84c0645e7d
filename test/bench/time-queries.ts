/** Times the same queries on several engines, one query at a time, so that what else the machine does meets them all. */

/** An engine's name, and how it searches. */
export type Engines = Record<string, (query: string) => unknown>;

/** Milliseconds at the 50th and the 95th percentile. */
export interface Times {
  p50: number;
  p95: number;
}

/** So often each query is put to each engine; the middle one of its times counts: what hits one by chance is no one's. */
const rounds = 3;

/** Puts each query to each engine, in an order that turns; the first ones are put to all of them beforehand. */
export async function timeQueries(engines: Engines, queries: readonly string[]): Promise<Record<string, Times>> {
  const entries = Object.entries(engines);
  const taken = new Map<string, number[]>(entries.map(([name]) => [name, []]));
  for (const query of queries.slice(0, 100)) for (const [, search] of entries) await search(query);
  for (const [at, query] of queries.entries()) {
    const tries = new Map<string, number[]>(entries.map(([name]) => [name, []]));
    for (let turn = 0; turn < rounds * entries.length; turn++) {
      const [name, search] = entries[(at + turn) % entries.length]!;
      const startMs = performance.now();
      await search(query);
      tries.get(name)!.push(performance.now() - startMs);
    }
    for (const [name, times] of tries) taken.get(name)!.push(quantile(times, 0.5));
  }
  return Object.fromEntries(
    [...taken].map(([name, times]) => [name, { p50: quantile(times, 0.5), p95: quantile(times, 0.95) }]),
  );
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((x, y) => x - y)[Math.min(values.length - 1, Math.floor(share * values.length))] ?? 0;
}

/** Times the same queries on several engines, one query at a time, so that what else the machine does meets them all. */

/** An engine's name, and how it searches. */
export type Engines = Record<string, (query: string) => unknown>;

/** Milliseconds at the 50th and the 95th percentile. */
export interface Times {
  p50: number;
  p95: number;
}

/** Puts each query to each engine, in an order that turns; the first ones are put to all of them beforehand. */
export async function timeQueries(engines: Engines, queries: readonly string[]): Promise<Record<string, Times>> {
  const entries = Object.entries(engines);
  const taken = new Map<string, number[]>(entries.map(([name]) => [name, []]));
  const warmUps = Math.min(queries.length, 100);
  for (const query of queries.slice(0, warmUps)) for (const [, search] of entries) await search(query);
  for (const [at, query] of queries.entries()) {
    for (let turn = 0; turn < entries.length; turn++) {
      const [name, search] = entries[(at + turn) % entries.length]!;
      const startMs = performance.now();
      await search(query);
      taken.get(name)!.push(performance.now() - startMs);
    }
  }
  return Object.fromEntries([...taken].map(([name, values]) => [name, timesOf(values)]));
}

function timesOf(values: number[]): Times {
  const sorted = values.toSorted((x, y) => x - y);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p95: at(0.95) };
}

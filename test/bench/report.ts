import type { MemoryWatch } from './memory.ts';
import type { Settings } from './settings.ts';
import type { Stalls } from './stalls.ts';
import type { Times } from './time-queries.ts';

export interface Report {
  settings: Settings;
  times: TimeRow[];
  engines: {
    name: string;
    /** Of the large base's index, and of FTS5's. */
    bytes: number;
    fts5Bytes: number;
    perSecond: number;
    longestMs: number;
    stalls: Stalls;
    memory: ReturnType<MemoryWatch['stretches']>;
  }[];
}

interface TimeRow {
  what: string;
  /** The p95 may be at most so much of FTS5's. */
  gate: number | undefined;
  times: Record<string, Times>;
}

/** The index may take so many times FTS5's bytes. */
const maxBytesRatio = 4;
/** From the second tenth of the passages to the last, memory may grow so much. */
const maxHeapGrowthMb = 16;

/** Prints the tables and the gates; returns how many gates are missed. */
export function printReport({ times, engines }: Report): number {
  const gates: [string, boolean][] = [];
  line('\n| search | engine | p50 ms | p95 ms | p50 / FTS5 | p95 / FTS5 | gate |');
  line('|---|---|---|---|---|---|---|');
  for (const { what, gate, times: taken } of times) {
    const reference = taken.fts5!;
    for (const [name, { p50, p95 }] of Object.entries(taken)) {
      const ratio = p95 / reference.p95;
      const isGated = gate !== undefined && !name.startsWith('fts5');
      line(
        `| ${what} | ${name} | ${p50.toFixed(2)} | ${p95.toFixed(2)} | ${(p50 / reference.p50).toFixed(2)} | ${ratio.toFixed(2)} | ${isGated ? gate : ''} |`,
      );
      if (isGated) gates.push([`${what} on ${name}: p95 ≤ ${gate} of FTS5`, ratio <= gate]);
    }
  }
  line('\n| index | MB | / FTS5 | passages/s | longest transaction ms | event loop stalled ms: most, p99 |');
  line('|---|---|---|---|---|---|');
  for (const { name, bytes, fts5Bytes, perSecond, longestMs, stalls } of engines) {
    const ratio = bytes / fts5Bytes;
    const stalled = `${stalls.mostMs.toFixed(1)}, ${stalls.p99Ms.toFixed(1)}`;
    line(
      `| ${name} | ${(bytes / 2 ** 20).toFixed(1)} | ${ratio.toFixed(2)} | ${perSecond.toFixed(0)} | ${longestMs.toFixed(0)} | ${stalled} |`,
    );
    gates.push([`the index on ${name} ≤ ${maxBytesRatio} times FTS5`, ratio <= maxBytesRatio]);
  }
  line('\n| memory while indexing | passages | in use MB | resident MB |');
  line('|---|---|---|---|');
  for (const { name, memory } of engines) {
    for (const { passages, heapMb, residentMb } of memory) {
      line(`| ${name} | ${passages} | ${heapMb.toFixed(1)} | ${residentMb.toFixed(1)} |`);
    }
    const growth = (memory.at(-1)?.heapMb ?? 0) - (memory[1]?.heapMb ?? 0);
    gates.push([`memory on ${name} grows by ${growth.toFixed(1)} ≤ ${maxHeapGrowthMb} MB`, growth <= maxHeapGrowthMb]);
  }
  line('');
  for (const [name, isHeld] of gates) line(`${isHeld ? 'ok  ' : 'MISS'} ${name}`);
  return gates.filter(([, isHeld]) => !isHeld).length;
}

function line(text: string): void {
  process.stdout.write(`${text}\n`);
}

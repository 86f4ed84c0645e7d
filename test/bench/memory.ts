/** Memory while a base grows: what is in use by the process, at its most, in each stretch of passages. */
export interface MemoryWatch {
  /** To be called often; `passages` is how many the base has. */
  look(passages: number): void;
  /** For each stretch its last number of passages and the most megabytes: kept after a collection, and resident. */
  stretches(): { passages: number; heapMb: number; residentMb: number }[];
}

/** Of one stretch there are ten in `passages`. What a collection can free doesn't count, where node has --expose-gc. */
export function watchMemory(passages: number): MemoryWatch {
  const size = Math.max(1, Math.ceil(passages / 10));
  const most = new Map<number, { heap: number; resident: number }>();
  let looks = 0;
  return {
    look(reached) {
      if (looks++ % 5 !== 0) return;
      globalThis.gc?.();
      const { heapUsed, external, rss } = process.memoryUsage();
      const stretch = Math.ceil(reached / size);
      const { heap = 0, resident = 0 } = most.get(stretch) ?? {};
      most.set(stretch, { heap: Math.max(heap, heapUsed + external), resident: Math.max(resident, rss) });
    },
    stretches: () =>
      [...most].map(([stretch, { heap, resident }]) => {
        return { passages: stretch * size, heapMb: heap / 2 ** 20, residentMb: resident / 2 ** 20 };
      }),
  };
}

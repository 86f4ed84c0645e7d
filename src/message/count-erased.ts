import type { ErasedDispatches } from '../dispatch/erase-lane.ts';

/** How many rows of each kind were erased. */
export interface Erased extends ErasedDispatches {
  conversations: number;
  messages: number;
  explanations: number;
  replies: number;
}

/** Nothing so far, or what was before, and a function that adds more to it. */
export function countErased(before: Partial<Erased> = {}): { erased: Erased; add(more: Partial<Erased>): void } {
  const erased: Erased = {
    ...{ conversations: 0, messages: 0, explanations: 0, replies: 0 },
    ...{ dispatches: 0, cancelled: 0, attempts: 0 },
    ...before,
  };
  const add = (more: Partial<Erased>) => {
    for (const kind of Object.keys(more) as (keyof Erased)[]) erased[kind] += more[kind] ?? 0;
  };
  return { erased, add };
}

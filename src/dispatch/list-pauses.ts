import type { Context } from '../context.ts';
import { listPauseRows } from './pause-store.ts';
import { toPause } from './scope.ts';

/** See DispatchService.ListPauses. */
export function listPauses({ database }: Context) {
  return async () => ({ pauses: (await listPauseRows(database)).map(toPause) });
}

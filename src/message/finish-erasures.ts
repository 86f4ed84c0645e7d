import { eachAccount } from '../assistant/each-account.ts';
import type { Context } from '../context.ts';
import { auditEnd, findLastErasure, listBegun } from './audit-erasure.ts';
import { eraseConversation, listErasing } from './erase-conversation.ts';

/**
 * Part of the scheduled job: finishes erasures of users that were cut off, and writes down that they are done. Before
 * anything else is deleted, so that their entries tell of all. Returns how many conversations went.
 */
export async function finishErasures({ database }: Context, signal: AbortSignal): Promise<number> {
  let erased = 0;
  await eachAccount(database, signal, async (appid) => {
    for (const each of await listErasing(database, appid)) {
      const auditId = await findLastErasure(database, appid, each.userHash);
      erased += await eraseConversation(database, { ...each, auditId }, signal);
    }
    for (const { id, userHash } of await listBegun(database, appid)) {
      if ((await listErasing(database, appid, userHash)).length === 0) await auditEnd(database, id);
    }
  });
  return erased;
}

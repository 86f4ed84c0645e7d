import { inBatches } from '../db/batches.ts';
import type { Database } from '../db/database.ts';
import type { Dialect } from '../db/dialect.ts';
import type { TokenBudget } from '../expert/llm/budget.ts';

/** SQL for the day by the database's clock, in Asia/Shanghai, which has no summer time. */
const today = ({ now, name }: Dialect) =>
  name === 'sqlite' ? `((${now} + 28800000) / 86400000)` : `((${now} + 28800000) div 86400000)`;

/** How long what days used is kept. */
const keptDays = 8;

const prunedAtOnce = 500;

/**
 * The tokens that each account may use in a day, counted in the database: one statement takes them only while there
 * are enough, so that replicas can't take the same ones. What a process that died had set aside counts as used.
 */
export function createTokenBudget(database: Database, dailyTokens: number | undefined): TokenBudget {
  return {
    async reserve(account, tokens) {
      if (dailyTokens === undefined) return async () => {};
      const day = await openDay(database, account);
      // By the primary key, whose row it locks.
      const taken = await database.run(
        'update token_use set tokens = tokens + ? where appid = ? and day = ? and tokens + ? <= ?',
        [tokens, account, day, tokens, dailyTokens],
      );
      if (taken === 0) return undefined;
      return async (used) => {
        if (used !== tokens) await addTokens(database, { account, day }, used - tokens);
      };
    },
  };
}

/** On the day that they were set aside, whatever day it is now. */
async function addTokens(
  database: Database,
  { account, day }: { account: string; day: number },
  tokens: number,
): Promise<void> {
  await database.run('update token_use set tokens = tokens + ? where appid = ? and day = ?', [tokens, account, day]);
}

/** Makes the row of an account's day, where there is none, and returns the day. */
async function openDay(database: Database, account: string): Promise<number> {
  const [row] = await database.all<{ day: number }>(`select ${today(database.dialect)} day`);
  await database.insertOrKeep('token_use', { appid: account, day: row!.day, tokens: 0 }, ['appid', 'day']);
  return row!.day;
}

/** Part of the scheduled job: deletes what days long past used. Returns how many rows went. By token_use_by_day. */
export async function pruneTokenUse(database: Database, signal: AbortSignal): Promise<number> {
  let pruned = 0;
  await inBatches(signal, async () => {
    const deleted = await database.run(
      `delete from token_use where day < ${today(database.dialect)} - ${keptDays} limit ${prunedAtOnce}`,
    );
    pruned += deleted;
    return deleted === prunedAtOnce;
  });
  return pruned;
}

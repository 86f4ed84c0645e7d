import type { Session } from '../db/session.ts';

/** Accounts that are read at once. */
const pageSize = 500;

/**
 * Does `work` for every account, deleted ones too, one after another, until the signal is aborted. An account that fails
 * holds up no other: the first error is thrown at the end.
 */
export async function eachAccount(
  session: Session,
  signal: AbortSignal,
  work: (appid: string) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = [];
  for (let after = ''; !signal.aborted; ) {
    // By the primary key.
    const rows = await session.all<{ appid: string }>(
      `select appid from assistant where appid > ? order by appid limit ${pageSize}`,
      [after],
    );
    for (const { appid } of rows) {
      if (signal.aborted) break;
      await work(appid).catch((error) => errors.push(error));
    }
    if (rows.length < pageSize) break;
    after = rows.at(-1)!.appid;
  }
  if (errors.length > 0) throw errors[0];
}

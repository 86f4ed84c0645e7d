import type { Session } from '../db/session.ts';

/** Accounts that are read at once. */
const pageSize = 500;

/** Does `work` for every account, deleted ones too, one after another, until the signal is aborted. */
export async function eachAccount(
  session: Session,
  signal: AbortSignal,
  work: (appid: string) => Promise<void>,
): Promise<void> {
  for (let after = ''; !signal.aborted; ) {
    // By the primary key.
    const rows = await session.all<{ appid: string }>(
      `select appid from assistant where appid > ? order by appid limit ${pageSize}`,
      [after],
    );
    for (const { appid } of rows) {
      if (signal.aborted) return;
      await work(appid);
    }
    if (rows.length < pageSize) return;
    after = rows.at(-1)!.appid;
  }
}

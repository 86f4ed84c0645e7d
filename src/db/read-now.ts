import type { Session } from './session.ts';

/** The database's time, in milliseconds since 1970: the clock of all that is stored. */
export async function readNow(session: Session): Promise<number> {
  const [row] = await session.all<{ now: number }>(`select ${session.dialect.now} now`);
  return Number(row!.now);
}

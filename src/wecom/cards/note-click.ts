import { createHash } from 'node:crypto';
import type { Tx } from '../../db/tx.ts';

/** So many of a session's last clicks are known again; WeCom repeats a callback within seconds. */
const maxClicks = 8;

/** Notes a click in a session that the transaction has locked; false: it was heard before. By the primary key. */
export async function noteClick(tx: Tx, sessionId: string, msgid: string): Promise<boolean> {
  const [row] = await tx.all<{ clicks: string }>('select clicks from wecom_session where session_id = ?', [sessionId]);
  const clicks = (row?.clicks ?? '').split(',').filter((each) => each !== '');
  const click = createHash('sha256').update(msgid).digest('hex').slice(0, 24);
  if (clicks.includes(click)) return false;
  const last = [...clicks, click].slice(-maxClicks).join(',');
  await tx.run('update wecom_session set clicks = ? where session_id = ?', [last, sessionId]);
  return true;
}

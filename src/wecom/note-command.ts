import { createHash } from 'node:crypto';
import type { Tx } from '../db/tx.ts';

/** So many of a session's last commands are known again; WeCom repeats a callback within seconds. */
const maxCommands = 8;

/**
 * Notes a click, or a command without a question, in a session that the transaction has locked; false: it was heard
 * before. By the primary key.
 */
export async function noteCommand(tx: Tx, sessionId: string, msgid: string): Promise<boolean> {
  const [row] = await tx.all<{ clicks: string }>('select clicks from wecom_session where session_id = ?', [sessionId]);
  const commands = (row?.clicks ?? '').split(',').filter((each) => each !== '');
  const command = createHash('sha256').update(msgid).digest('hex').slice(0, 24);
  if (commands.includes(command)) return false;
  const last = [...commands, command].slice(-maxCommands).join(',');
  await tx.run('update wecom_session set clicks = ? where session_id = ?', [last, sessionId]);
  return true;
}

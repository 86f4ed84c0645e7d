/** Enqueues a dispatch with what causes it, and dies by SIGKILL right before or right after the commit (`DIE`). */
import { openDatabase } from '../../src/db/database.ts';
import { enqueue } from '../../src/dispatch/enqueue.ts';
import { newDispatch } from './dispatching.ts';

const { DATABASE_URL: url = '', DIE = '' } = process.env;
const database = openDatabase({ url, poolSize: 1, queryTimeoutMs: 10_000 });
await database.tx(async (tx) => {
  await tx.insert('cron_task', [{ task: DIE }]);
  await enqueue(tx, newDispatch(`lane ${DIE}`, DIE));
  if (DIE === 'before') process.kill(process.pid, 'SIGKILL');
});
process.kill(process.pid, 'SIGKILL');

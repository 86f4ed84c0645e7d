import type { Migration } from '../../migrate.ts';
import { createTable } from '../../schema.ts';
import { assistants } from './assistants.ts';
import { delivery } from './delivery.ts';
import { knowledge } from './knowledge.ts';
import { messages } from './messages.ts';

/**
 * The first schema. Times (`…_at`) are milliseconds since 1970 by the database's clock. What an order is promised for
 * has a `sequence` or `message_index` that is handed out under the lock of its lane, base or conversation, so that the
 * order of the numbers is the order of the commits. Everything is keyed by appid, or by what belongs to one appid.
 */
export const base: Migration = {
  name: '20261121-base',
  async run(session) {
    for (const table of [...assistants, ...knowledge, ...messages, ...delivery]) await createTable(session, table);
  },
};

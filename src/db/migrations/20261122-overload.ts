import type { Migration } from '../migrate.ts';
import { addColumns, addIndex } from '../schema.ts';

/**
 * What sharing between accounts needs. `due_appid` is the account of a row with something to do, else null. It is
 * computed, so that nobody has to keep it, the previous binary included; it costs a place in an index alone.
 */
export const overload: Migration = {
  name: '20261122-overload',
  async run(session) {
    const dueAppid =
      'due_appid varchar(64) generated always as (case when due_at is null then null else appid end) virtual';
    for (const table of ['conversation', 'lane', 'learning']) await addColumns(session, table, [dueAppid]);
    await addIndex(session, 'conversation', 'conversation_by_account', ['due_appid', 'due_at']);
    await addIndex(session, 'lane', 'lane_by_account', ['drain_key', 'due_appid', 'due_at']);
    await addIndex(session, 'learning', 'learning_by_account', ['type', 'due_appid', 'due_at']);
    await addIndex(session, 'message', 'message_by_pending', ['state', 'created_at', 'appid']);
    await addIndex(session, 'article_event', 'article_event_by_pending', ['state', 'created_at', 'appid']);
  },
};

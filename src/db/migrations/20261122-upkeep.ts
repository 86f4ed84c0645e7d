import type { Migration } from '../migrate.ts';
import { addColumns, addIndex } from '../schema.ts';

/** What finding that whose time is over needs: each search walks one of these indexes, from the oldest on. */
export const upkeep: Migration = {
  name: '20261122-upkeep',
  async run(session) {
    await addIndex(session, 'message', 'message_by_account_age', ['appid', 'created_at', 'message_id']);
    await addIndex(session, 'conversation', 'conversation_by_age', ['appid', 'updated_at', 'conversation_id']);
    await addIndex(session, 'article_event', 'article_event_by_age', ['appid', 'created_at', 'event_id']);
    await addIndex(session, 'dispatch', 'dispatch_by_settled', ['settled_at', 'dispatch_id']);
    await addIndex(session, 'knowledge', 'knowledge_by_deletion', ['deleted_at']);
    await addIndex(session, 'token_use', 'token_use_by_day', ['day']);
    await addColumns(session, 'assistant', ['purged_at bigint null']); // after deleted_at: nothing of it is left
    await addIndex(session, 'assistant', 'assistant_by_deletion', ['deleted_at']);
  },
};

import type { Migration } from '../migrate.ts';
import { addIndex } from '../schema.ts';

/** The orders in which operators list the conversations of a bot; what one user said in any; bots that are deleted. */
export const conversations: Migration = {
  name: '20261123-conversations',
  async run(session) {
    await addIndex(session, 'wecom_session', 'wecom_session_by_activity', [
      'integration_id',
      'active_at',
      'session_id',
    ]);
    await addIndex(session, 'wecom_session', 'wecom_session_by_user', ['integration_id', 'owner_id', 'chat_id']);
    await addIndex(session, 'integration', 'integration_by_deletion', ['deleted_at']);
    await addIndex(session, 'message', 'message_by_user', ['appid', 'openid', 'conversation_id']);
  },
};

import type { Migration } from '../migrate.ts';
import { addColumns } from '../schema.ts';

/** Whether a conversation with many unanswered questions has been asked for patience. */
export const pleaseWait: Migration = {
  name: '20261122-please-wait',
  run: (session) => addColumns(session, 'conversation', ['asked_to_wait int not null default 0']),
};

import type { Migration } from '../migrate.ts';
import { addColumns } from '../schema.ts';

/** What users think of an answer, which card goes with one, and whose clicks were heard. */
export const wecomReplies: Migration = {
  name: '20261123-wecom-replies',
  async run(session) {
    await addColumns(session, 'message', [
      'feedback_type smallint null', // on the assistant's: 1 right, 2 wrong, 3 withdrawn
      'feedback_text text null', // bounded, see wecom/feedback-store.ts
      'feedback_reasons varchar(64) null', // numbers, comma separated
      'feedback_at bigint null',
    ]);
    await addColumns(session, 'reply', [
      "card varchar(16) not null default ''", // goes with the answer
      "claim varchar(32) not null default ''", // of whoever took the response_url
    ]);
    await addColumns(session, 'wecom_session', ["clicks varchar(255) not null default ''"]); // hashes of the last ones
  },
};

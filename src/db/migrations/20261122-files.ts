import type { Migration } from '../migrate.ts';
import { addColumns, addIndex } from '../schema.ts';

/** What learning files needs. All of it has defaults, so that the binary before goes on with it. */
export const files: Migration = {
  name: '20261122-files',
  async run(session) {
    await addColumns(session, 'document', [
      'revision bigint not null default 0', // of its passages, those of this revision are shown
      'last_revision bigint not null default 0', // handed out: no two contents ever have the same
      'staged bigint not null default 0', // passages of the last revision that are there so far
      'to_sweep int not null default 0', // 1: it may have passages of other revisions
      'withdrawn_by bigint not null default 0', // the accepted event that deletes or bans it, until that is handled
      'bytes bigint not null default 0',
      'passages bigint not null default 0',
      'last_event int not null default 0', // of a file: the type of the event that was handled last
      'added int not null default 0', // of a file: 1 once an event 9 was handled
    ]);
    await addIndex(session, 'document', 'document_by_base', ['knowledge_id', 'document_id']);
    await addIndex(session, 'document', 'document_by_sweep', ['knowledge_id', 'to_sweep']);
    await addColumns(session, 'passage', ['revision bigint not null default 0', 'page int null']);
    await addIndex(session, 'passage', 'passage_by_revision', ['document_id', 'revision', 'ordinal']);
    await addColumns(session, 'article_event', ['file_url longtext null']); // signed, and so no part of the payload
    await addIndex(session, 'article_event', 'article_event_by_document', ['knowledge_id', 'document_key', 'state']);
    await addIndex(session, 'article_event', 'article_event_by_turn', [
      'knowledge_id',
      'state',
      'retry_at',
      'sequence',
    ]);
    await addColumns(session, 'learning', ['type int not null default 1']); // of the base: 1 articles, 2 files
    await addIndex(session, 'learning', 'learning_by_type', ['type', 'due_at']);
    await session.run(
      'update learning set type = 2 where type = 1 and knowledge_id in (select knowledge_id from knowledge where type = 2)',
    );
  },
};

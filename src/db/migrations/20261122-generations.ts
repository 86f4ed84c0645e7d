import type { Migration } from '../migrate.ts';
import { addColumns } from '../schema.ts';

/** What building the next generation of an index needs. */
export const generations: Migration = {
  name: '20261122-generations',
  async run(session) {
    await addColumns(session, 'index_base', [
      'removed bigint not null default 0', // passages that are counted and gone
      'next_generation int null', // that is being built
      'next_tokenizer_version int not null default 0',
      'built bigint not null default -1', // the last ordinal that it has
      'next_passages bigint not null default 0',
      'next_tokens bigint not null default 0',
      'switched_at bigint not null default 0',
    ]);
  },
};

import type { Migration } from '../migrate.ts';

/**
 * The rows of index_block hold something else from here on (see retrieval/postings.ts): every index begins an empty
 * generation, and is built anew from its passages since no tokenizer has the number 0. Its old rows are pruned then.
 */
export const sharedRows: Migration = {
  name: '20261122-shared-rows',
  async run(session) {
    await session.run(
      `update index_base set generation = coalesce(next_generation, generation) + 1, next_generation = null,
        tokenizer_version = 0, passages = 0, tokens = 0, removed = 0, switched_at = 0 where tokenizer_version > 0`,
    );
  },
};

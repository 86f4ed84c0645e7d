import type { Migration } from '../migrate.ts';
import { addColumns } from '../schema.ts';

/** Questions that are made of several messages. */
export const gather: Migration = {
  name: '20261123-gather',
  run: (session) =>
    addColumns(session, 'message', [
      'gathers_until bigint null', // takes more parts until then, and is not answered before
      'parts int not null default 1',
    ]),
};

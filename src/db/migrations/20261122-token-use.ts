import type { Migration } from '../migrate.ts';
import { createTable } from '../schema.ts';

/** What each account has used of its day's tokens, over all replicas. */
export const tokenUse: Migration = {
  name: '20261122-token-use',
  run: (session) =>
    createTable(session, {
      name: 'token_use',
      columns: ['appid varchar(64) not null', 'day bigint not null', 'tokens bigint not null default 0'],
      primaryKey: ['appid', 'day'], // days since 1970 in Asia/Shanghai
      clustered: true,
    }),
};

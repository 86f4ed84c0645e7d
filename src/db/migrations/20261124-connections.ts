import type { Migration } from '../migrate.ts';
import { createTable, type Table } from '../schema.ts';

/** Which process holds the long connection of each bot, and how that connection is doing. */
export const connections: Migration = {
  name: '20261124-connections',
  async run(session) {
    for (const table of tables) await createTable(session, table);
  },
};

const tables: Table[] = [
  {
    name: 'connection_holder', // a process that may hold connections; alive until due_at
    columns: ['holder_id varchar(32) not null', 'name varchar(128) not null', 'due_at bigint not null'],
    primaryKey: ['holder_id'],
  },
  {
    name: 'bot_connection',
    columns: [
      'integration_id varchar(32) not null',
      "holder_id varchar(32) not null default ''", // empty: nobody's
      'wanted int not null default 1', // 0: an operator has closed it
    ],
    primaryKey: ['integration_id'],
    index: { bot_connection_by_holder: ['holder_id', 'integration_id'] },
  },
];

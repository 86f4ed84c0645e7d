import type { Migration } from '../migrate.ts';
import { addColumns } from '../schema.ts';

/** How each long connection is doing, and the request that an answer goes back to. */
export const longConnection: Migration = {
  name: '20261125-long-connection',
  async run(session) {
    await addColumns(session, 'bot_connection', [
      "state varchar(16) not null default 'idle'", // see connection-store.ts
      "reason varchar(500) not null default ''",
      'code int not null default 0',
      'attempts bigint not null default 0', // since it was connected last
      'connected_at bigint null',
      'disconnected_at bigint null',
      'heartbeat_at bigint null',
      'next_attempt_at bigint null',
      'reconnects bigint not null default 0', // so often an operator has asked for another connection
    ]);
    await addColumns(session, 'reply', [
      "req_id varchar(256) not null default ''", // empty: in callback mode
      "bubble varchar(16) not null default 'open'", // of a long connection: see stream-store.ts
    ]);
  },
};

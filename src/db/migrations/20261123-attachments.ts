import type { Migration } from '../migrate.ts';
import { addColumns, createTable, type Table } from '../schema.ts';

/** What came with a message: pictures and files, and what it quotes. See message/attachment/README.md. */
export const attachments: Migration = {
  name: '20261123-attachments',
  async run(session) {
    for (const table of tables) await createTable(session, table);
    await addColumns(session, 'message', ['quoted longtext null']);
  },
};

const tables: Table[] = [
  {
    name: 'attachment',
    columns: [
      'attachment_id varchar(32) not null',
      'message_id varchar(32) not null',
      'conversation_id varchar(32) not null',
      'appid varchar(64) not null',
      'integration_id varchar(32) not null',
      'position int not null', // within its message
      'origin varchar(8) not null', // own, or of what the message quotes
      'kind varchar(8) not null', // image or file
      'state varchar(16) not null', // pending, ready, failed, or forgotten: a picture whose bytes are deleted
      'sealed_link longtext null', // see sealer.ts; null once it was fetched or given up
      'name varchar(255) not null',
      'media_type varchar(64) not null', // of a picture
      'passages longtext null', // JSON: what the parser has read in a file
      'reason longtext null', // why it failed
      'tries int not null',
      'created_at bigint not null',
      'due_at bigint null',
      'lease_token varchar(36) null',
      'due_appid varchar(64) generated always as (case when due_at is null then null else appid end) virtual',
    ],
    primaryKey: ['attachment_id'],
    index: {
      attachment_by_message: ['message_id', 'position'],
      attachment_by_conversation: ['conversation_id', 'created_at'],
      attachment_by_account: ['due_appid', 'due_at'],
      attachment_by_due: ['due_at'],
      attachment_by_token: ['lease_token'],
    },
  },
  {
    name: 'attachment_piece', // the bytes of a picture, a megabyte each
    columns: [
      'attachment_id varchar(32) not null',
      'message_id varchar(32) not null',
      'piece int not null',
      'bytes mediumblob not null',
    ],
    primaryKey: ['attachment_id', 'piece'],
    index: { attachment_piece_by_message: ['message_id'] },
  },
];

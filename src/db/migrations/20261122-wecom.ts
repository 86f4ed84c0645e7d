import type { Migration } from '../migrate.ts';
import { addColumns, createTable, type Table } from '../schema.ts';

/** WeCom's bots, which assistant answers for each, who talks to them, and the streams of answers. */
export const wecom: Migration = {
  name: '20261122-wecom',
  async run(session) {
    for (const table of tables) await createTable(session, table);
    await addColumns(session, 'reply', [
      "integration_id varchar(32) not null default ''",
      "chat_id varchar(128) not null default ''", // of a group
      "user_id varchar(128) not null default ''",
      'polled_at bigint not null default 0', // when WeCom asked last
    ]);
  },
};

const tables: Table[] = [
  {
    name: 'integration', // a bot's credentials
    columns: [
      'integration_id varchar(32) not null',
      'name varchar(64) not null',
      'mode int not null', // 1 webhook, 2 long connection
      'sealed_token longtext null', // see sealer.ts; null once it is deleted
      'sealed_aes_key longtext null',
      'receive_id varchar(128) not null',
      'bot_id varchar(128) null', // null: not known, or deleted
      'sealed_secret longtext null',
      'language varchar(8) not null',
      'texts longtext not null', // JSON: what replaces ours, by name
      'bot_name varchar(64) not null',
      'enabled int not null',
      'revision bigint not null', // counts changes of the credentials
      'created_at bigint not null',
      'updated_at bigint not null',
      'deleted_at bigint null',
    ],
    primaryKey: ['integration_id'],
    unique: { integration_by_bot: ['bot_id'] },
  },
  {
    name: 'integration_status', // what came from WeCom; written some seconds late
    columns: [
      'integration_id varchar(32) not null',
      'last_callback_at bigint null',
      'last_bad_signature_at bigint null',
      'callbacks bigint not null default 0',
      'bad_signatures bigint not null default 0',
      'messages bigint not null default 0',
    ],
    primaryKey: ['integration_id'],
  },
  {
    name: 'integration_error', // the last twenty of each
    columns: [
      'error_id varchar(32) not null',
      'integration_id varchar(32) not null',
      'at bigint not null',
      'code int not null',
      'what varchar(32) not null',
      'reason longtext not null',
    ],
    primaryKey: ['error_id'],
    index: { integration_error_by_integration: ['integration_id', 'error_id'] },
  },
  {
    name: 'wecom_trigger', // binds a bot to an assistant
    columns: [
      'integration_id varchar(32) not null',
      'appid varchar(64) not null',
      'enabled int not null',
      'session_timeout_seconds int not null',
      'summary_window_seconds int not null',
      'max_wait_seconds int not null',
      'group_scope varchar(8) not null', // member or chat
      'allow_users longtext not null', // JSON: userids; none: everybody
      'welcome longtext not null',
      'published_at bigint not null',
    ],
    primaryKey: ['integration_id'],
    index: { wecom_trigger_by_appid: ['appid', 'integration_id'] },
  },
  {
    name: 'wecom_session', // a user's, or a group's, place with a bot
    columns: [
      'session_id varchar(32) not null',
      'integration_id varchar(32) not null',
      'chat_id varchar(128) not null', // of a group
      'owner_id varchar(128) not null', // the user; empty: all of the group together
      'generation bigint not null default 0', // counts the sessions
      'active_at bigint not null default 0',
    ],
    primaryKey: ['session_id'],
    unique: { wecom_session_by_chat: ['integration_id', 'chat_id', 'owner_id'] },
    index: { wecom_session_by_owner: ['owner_id'], wecom_session_by_age: ['active_at'] },
  },
];

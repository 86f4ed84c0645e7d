import type { Migration } from '../migrate.ts';
import { createTable, type Table } from '../schema.ts';

/**
 * The first schema. Times (`…_at`) are milliseconds since 1970 by the database's clock. What an order is promised for
 * has a `sequence` or `message_index` that is handed out under the lock of its lane, base or conversation, so that the
 * order of the numbers is the order of the commits. Everything is keyed by appid, or by what belongs to one appid.
 */
export const base: Migration = {
  name: '20261121-base',
  async run(session) {
    for (const table of tables) await createTable(session, table);
  },
};

/** See db/lease.ts. */
const leaseColumns = ['due_at bigint null', 'lease_token varchar(36) null'];

/** Begun and ended tries: the difference counts deaths in mid-try, and so finds what kills the process. */
const tryColumns = ['started bigint not null default 0', 'finished bigint not null default 0'];

const assistants: Table[] = [
  {
    name: 'assistant',
    columns: [
      'appid varchar(64) not null',
      'incarnation bigint not null', // counts re-creations: what was before a deletion stays apart
      'last_status int not null default 1', // the status when it was deleted
      'consent_at bigint null', // from when users' messages may be kept; null: no consent
      'created_at bigint not null',
      'updated_at bigint not null',
      'deleted_at bigint null',
    ],
    primaryKey: ['appid'],
  },
  {
    name: 'assistant_config',
    columns: [
      'appid varchar(64) not null',
      'view varchar(8) not null', // online or draft
      'name varchar(128) not null',
      'description longtext not null',
      'system_prompt longtext not null',
    ],
    primaryKey: ['appid', 'view'],
  },
  {
    name: 'binding', // which file bases a configuration uses; the articles' base is always used
    columns: ['appid varchar(64) not null', 'view varchar(8) not null', 'knowledge_id varchar(64) not null'],
    primaryKey: ['appid', 'view', 'knowledge_id'],
    index: { binding_by_knowledge: ['knowledge_id'] },
    clustered: true,
  },
];

const knowledge: Table[] = [
  {
    name: 'knowledge',
    columns: [
      'knowledge_id varchar(64) not null',
      'appid varchar(64) not null',
      'base_no bigint not null', // its number in the index: random, 52 bits
      'type int not null', // 1 articles, 2 files
      'name varchar(128) not null',
      'created_at bigint not null',
      'updated_at bigint not null',
      'deleted_at bigint null',
    ],
    primaryKey: ['knowledge_id'],
    unique: { knowledge_by_base_no: ['base_no'] },
    index: { knowledge_by_appid: ['appid', 'type'] },
  },
  {
    name: 'learning', // what a base still has to learn; its lease makes its holder the only writer of the base
    columns: [
      'knowledge_id varchar(64) not null',
      'appid varchar(64) not null',
      'phase varchar(16) not null', // first, supplement, sync or idle
      'finished_phase varchar(16) null', // what finished last: first, supplement or update
      'next_offset bigint not null default 0',
      'learned bigint not null default 0', // items learned in this phase
      'sync_id varchar(32) null', // marks what the present comparison has seen
      'last_sequence bigint not null default 0', // of article_event
      'failures bigint not null default 0',
      'retry_at bigint not null default 0', // of the next page, after a failure
      'last_error longtext null',
      ...tryColumns,
      ...leaseColumns,
    ],
    primaryKey: ['knowledge_id'],
    index: {
      learning_by_due: ['due_at'],
      learning_by_token: ['lease_token'],
      learning_by_appid: ['appid'],
    },
  },
  {
    name: 'article_event',
    columns: [
      'appid varchar(64) not null',
      'event_id varchar(128) not null',
      'knowledge_id varchar(64) not null',
      'sequence bigint not null', // in the order of acceptance, per base
      'document_key varchar(160) not null', // events of one key are handled in order
      'event_type int not null',
      'payload longtext not null',
      'payload_hash varchar(64) not null',
      'state varchar(16) not null', // pending, done, dead or cancelled
      'retry_at bigint not null default 0',
      'reason longtext null',
      'created_at bigint not null',
      ...tryColumns,
    ],
    primaryKey: ['appid', 'event_id'],
    index: { article_event_by_base: ['knowledge_id', 'state', 'sequence'] },
  },
  {
    name: 'document',
    columns: [
      'document_id varchar(32) not null',
      'knowledge_id varchar(64) not null',
      'appid varchar(64) not null',
      'source_key varchar(160) not null', // article:<article_id>:<msgidx> or file:<file_id>
      'article_id varchar(128) null',
      'msgidx int null',
      'file_id varchar(128) null',
      'title longtext not null',
      'url longtext not null',
      'file_type varchar(16) not null',
      'state int not null', // file_rag_status
      'reason longtext null',
      'hidden int not null default 0',
      'content_hash varchar(64) null',
      'sync_id varchar(32) null',
      'created_at bigint not null',
      'updated_at bigint not null',
    ],
    primaryKey: ['document_id'],
    unique: { document_by_source: ['knowledge_id', 'source_key'] },
    index: {
      document_by_article: ['knowledge_id', 'article_id', 'msgidx'],
      document_by_state: ['state', 'updated_at'],
    },
  },
  {
    name: 'article_ban', // bans outlive and may precede the documents; msgidx 0 is the whole message
    columns: [
      'knowledge_id varchar(64) not null',
      'article_id varchar(128) not null',
      'msgidx int not null',
      'hidden int not null',
    ],
    primaryKey: ['knowledge_id', 'article_id', 'msgidx'],
    clustered: true,
  },
  {
    name: 'passage',
    columns: [
      'base_no bigint not null',
      'ordinal bigint not null',
      'document_id varchar(32) not null',
      'heading longtext not null',
      'text longtext not null',
    ],
    primaryKey: ['base_no', 'ordinal'],
    index: { passage_by_document: ['document_id'] },
  },
  {
    name: 'index_base',
    columns: [
      'base_no bigint not null',
      'generation int not null',
      'tokenizer_version int not null',
      'passages bigint not null default 0',
      'tokens bigint not null default 0',
      'next_ordinal bigint not null default 0',
    ],
    primaryKey: ['base_no'],
  },
  {
    name: 'index_block', // term, then blocks of 4,096 ordinals; entries are only ever appended
    columns: [
      'base_no bigint not null',
      'generation int not null',
      'term bigint not null',
      'block int not null',
      'data mediumblob not null',
    ],
    primaryKey: ['base_no', 'generation', 'term', 'block'],
    clustered: true,
  },
];

const messages: Table[] = [
  {
    name: 'conversation',
    columns: [
      'conversation_id varchar(32) not null',
      'appid varchar(64) not null',
      'scope_key varchar(255) not null', // who talks over which channel, see message/conversation.ts
      'last_index bigint not null default 0',
      'failures bigint not null default 0',
      'created_at bigint not null',
      ...tryColumns,
      ...leaseColumns,
    ],
    primaryKey: ['conversation_id'],
    unique: { conversation_by_scope: ['appid', 'scope_key'] },
    index: { conversation_by_due: ['due_at'], conversation_by_token: ['lease_token'] },
  },
  {
    name: 'message',
    columns: [
      'message_id varchar(32) not null',
      'conversation_id varchar(32) not null',
      'appid varchar(64) not null',
      'channel varchar(64) not null', // live, debug, or an integration: msgids are unique within it
      'msgid varchar(128) null', // null for the assistant's
      'openid varchar(128) not null',
      'message_index bigint not null',
      'speaker varchar(16) not null', // user or assistant
      'msg_type varchar(16) not null',
      'content longtext not null',
      'media_id varchar(512) null',
      'media_format int null',
      'payload_hash varchar(64) null',
      'state varchar(16) not null', // pending, answered or cancelled; the assistant's are answered
      'answers varchar(32) null', // the user's message that this one answers
      'created_at bigint not null',
    ],
    primaryKey: ['message_id'],
    unique: {
      message_by_msgid: ['appid', 'channel', 'msgid'],
      message_by_index: ['conversation_id', 'message_index'],
    },
    index: {
      message_by_state: ['conversation_id', 'state', 'message_index'],
      message_by_appid: ['appid', 'state'],
      message_by_answers: ['answers'],
      message_by_age: ['created_at'],
    },
  },
  {
    name: 'explanation', // why a message was answered as it was
    columns: ['message_id varchar(32) not null', 'body longtext not null', 'created_at bigint not null'],
    primaryKey: ['message_id'],
  },
  {
    name: 'reply', // a streamed reply: drafts are free, the final is the promise
    columns: [
      'reply_id varchar(64) not null',
      'conversation_id varchar(32) not null',
      'message_id varchar(32) not null',
      'route longtext not null',
      'state varchar(16) not null',
      'snapshot longtext not null',
      'version bigint not null default 0',
      'closes_at bigint not null',
      'created_at bigint not null',
    ],
    primaryKey: ['reply_id'],
    index: { reply_by_message: ['message_id'], reply_by_close: ['state', 'closes_at'] },
  },
];

const delivery: Table[] = [
  {
    name: 'lane',
    columns: [
      'lane_id varchar(255) not null',
      "drain_key varchar(128) not null default ''", // empty: any replica; else only the holder of that lease
      'last_sequence bigint not null default 0',
      'failures bigint not null default 0',
      ...leaseColumns,
    ],
    primaryKey: ['lane_id'],
    index: { lane_by_due: ['drain_key', 'due_at'], lane_by_token: ['lease_token'] },
  },
  {
    name: 'dispatch',
    columns: [
      'dispatch_id varchar(32) not null',
      'lane_id varchar(255) not null',
      'sequence bigint not null',
      'dedupe_key varchar(255) not null',
      'kind varchar(64) not null', // names the sender
      'appid varchar(64) not null',
      'message_id varchar(32) null', // the user's message that it answers
      'payload longtext not null',
      'state varchar(16) not null', // pending, delivered, expired, dead or cancelled
      'reason longtext null',
      'expires_at bigint not null',
      'created_at bigint not null',
      'settled_at bigint null',
      ...tryColumns,
    ],
    primaryKey: ['dispatch_id'],
    unique: { dispatch_by_dedupe: ['dedupe_key'], dispatch_by_sequence: ['lane_id', 'sequence'] },
    index: {
      dispatch_by_lane: ['lane_id', 'state', 'sequence'],
      dispatch_by_message: ['message_id'],
      dispatch_by_appid: ['appid', 'state'],
      dispatch_by_state: ['state', 'created_at'],
    },
  },
  {
    name: 'cron_task',
    columns: ['task varchar(64) not null', 'last_finished_at bigint null', 'last_error longtext null', ...leaseColumns],
    primaryKey: ['task'],
    index: { cron_task_by_token: ['lease_token'] },
  },
];

const tables: readonly Table[] = [...assistants, ...knowledge, ...messages, ...delivery];

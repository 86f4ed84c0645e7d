import type { Table } from '../../schema.ts';
import { leaseColumns, tryColumns } from './columns.ts';

export const knowledge: Table[] = [
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
    name: 'index_block', // term is a row of retrieval/postings.ts; postings are only ever appended
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

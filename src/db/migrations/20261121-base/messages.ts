import type { Table } from '../../schema.ts';
import { leaseColumns, tryColumns } from './columns.ts';

export const messages: Table[] = [
  {
    name: 'conversation',
    columns: [
      'conversation_id varchar(32) not null',
      'appid varchar(64) not null',
      'scope_key varchar(255) not null', // who talks over which channel, see message/conversation.ts
      'last_index bigint not null default 0',
      'failures bigint not null default 0',
      'updated_at bigint not null default 0',
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

import type { Table } from '../../schema.ts';
import { leaseColumns, tryColumns } from './columns.ts';

export const delivery: Table[] = [
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

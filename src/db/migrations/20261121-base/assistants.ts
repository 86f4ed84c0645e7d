import type { Table } from '../../schema.ts';

export const assistants: Table[] = [
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

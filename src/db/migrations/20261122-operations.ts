import type { Migration } from '../migrate.ts';
import { addColumns, addIndex, createTable, type Table } from '../schema.ts';
import type { Session } from '../session.ts';

/** What an operator of deliveries needs: pauses, fallback routes, the tries of a dispatch, and who did what and why. */
export const operations: Migration = {
  name: '20261122-operations',
  async run(session) {
    await addColumns(session, 'lane', [
      "appid varchar(64) not null default ''",
      "integration_id varchar(64) not null default ''", // of a bot; empty: none
      'barrier bigint not null default 0', // counts the pauses that its holder had to notice
    ]);
    await addIndex(session, 'lane', 'lane_by_appid', ['appid']);
    await addIndex(session, 'lane', 'lane_by_integration', ['integration_id']);
    await addColumns(session, 'dispatch', [
      'window_ms bigint not null default 0', // 0: enqueued before this column was there
      "route varchar(16) not null default 'first'", // or fallback: what of the following is in effect
      'fallback_kind varchar(64) null',
      'fallback_payload longtext null',
      'fallback_window_ms bigint null',
      'retries int not null default 0', // by operators
    ]);
    for (const table of tables) await createTable(session, table);
    await fillAppids(session);
  },
};

const tables: Table[] = [
  {
    name: 'dispatch_attempt',
    columns: [
      'dispatch_id varchar(32) not null',
      'attempt bigint not null', // from 1, as dispatch.started counts them; of what ended without a try, the last one's
      'outcome varchar(16) not null', // delivered, failed, refused, closed, expired, buried or fallback
      'kind varchar(64) not null',
      'route varchar(16) not null',
      'started_at bigint not null',
      'ended_at bigint not null',
      'reason longtext null',
    ],
    primaryKey: ['dispatch_id', 'attempt', 'outcome'],
  },
  {
    name: 'delivery_pause',
    columns: [
      'scope varchar(96) not null', // global, appid:<appid> or integration:<integration_id>
      'since bigint not null',
      'actor varchar(128) not null',
      'reason longtext not null',
    ],
    primaryKey: ['scope'],
  },
  {
    name: 'audit',
    columns: [
      'id varchar(32) not null',
      'at bigint not null',
      'actor varchar(128) not null',
      'action varchar(64) not null',
      'target varchar(300) not null', // dispatch:<id>, lane:<id> or delivery:<scope>
      'reason longtext not null',
      'detail longtext not null', // what came of it, as JSON
    ],
    primaryKey: ['id'],
    index: { audit_by_target: ['target', 'id'], audit_by_time: ['at'] },
  },
];

const batchRows = 500;

/** Lanes that were made before know their account by what they deliver. By primary key, then dispatch_by_sequence. */
async function fillAppids(session: Session): Promise<void> {
  for (let after = ''; ; ) {
    const lanes = await session.all<{ lane_id: string }>(
      `select lane_id from lane where lane_id > ? and appid = '' order by lane_id limit ${batchRows}`,
      [after],
    );
    if (lanes.length === 0) return;
    const ids = lanes.map(({ lane_id }) => lane_id);
    await session.run(
      `update lane set appid = coalesce((select max(d.appid) from dispatch d where d.lane_id = lane.lane_id), '')
        where lane_id in (${ids.map(() => '?').join(', ')})`,
      ids,
    );
    after = ids.at(-1)!;
  }
}

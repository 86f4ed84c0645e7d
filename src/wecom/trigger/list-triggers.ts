import type { ListTriggersRequest } from '../../../gen/wecom/v1/trigger_pb.ts';
import type { Context } from '../../context.ts';
import type { Session } from '../../db/session.ts';
import { cutPage, decodePageToken, pageSizeOf } from '../../page-token.ts';
import { showTrigger } from './show.ts';
import { type TriggerRow, toTrigger, triggerSql } from './store.ts';

/** See TriggerService.ListTriggers. */
export function listTriggers({ database }: Context) {
  return async ({ appid, pageSize, pageToken }: ListTriggersRequest) => {
    const size = pageSizeOf(pageSize);
    const rows = await loadPage(database, appid, decodePageToken(pageToken), size + 1);
    const { page, nextPageToken } = cutPage(rows, size, (row) => row.integration_id);
    return { triggers: page.map((row) => showTrigger(toTrigger(row))), nextPageToken };
  };
}

/** By the primary key, or wecom_trigger_by_appid. */
function loadPage(session: Session, appid: string, after: string, limit: number): Promise<TriggerRow[]> {
  return session.all<TriggerRow>(
    `${triggerSql} where integration_id > ? ${appid === '' ? '' : 'and appid = ?'} order by integration_id limit ${limit}`,
    appid === '' ? [after] : [after, appid],
  );
}

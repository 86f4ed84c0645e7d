import type { ListIntegrationsRequest } from '../../../gen/wecom/v1/integration_pb.ts';
import type { Context } from '../../context.ts';
import type { Session } from '../../db/session.ts';
import { cutPage, decodePageToken, pageSizeOf } from '../../page-token.ts';
import { showIntegration } from './show.ts';
import { type IntegrationRow, integrationSql, toIntegration } from './store.ts';

/** See IntegrationService.ListIntegrations. */
export function listIntegrations({ database }: Context) {
  return async ({ pageSize, pageToken }: ListIntegrationsRequest) => {
    const size = pageSizeOf(pageSize);
    const rows = await loadPage(database, decodePageToken(pageToken), size + 1);
    const { page, nextPageToken } = cutPage(rows, size, (row) => row.integration_id);
    return { integrations: page.map((row) => showIntegration(toIntegration(row))), nextPageToken };
  };
}

/** By the primary key backwards: the ids are in the order of their creation. */
function loadPage(session: Session, before: string, limit: number): Promise<IntegrationRow[]> {
  return session.all<IntegrationRow>(
    `${integrationSql} where i.deleted_at is null ${before === '' ? '' : 'and i.integration_id < ?'}
      order by i.integration_id desc limit ${limit}`,
    before === '' ? [] : [before],
  );
}

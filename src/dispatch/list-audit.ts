import type { ListAuditRequest } from '../../gen/dispatch/v1/dispatch_pb.ts';
import type { Context } from '../context.ts';
import type { Session } from '../db/session.ts';
import { cutPage, decodePageToken, pageSizeOf } from '../page-token.ts';
import type { AuditRow } from './audit.ts';
import { toAuditEntry } from './show.ts';

/** See DispatchService.ListAudit. */
export function listAudit({ database }: Context) {
  return async (request: ListAuditRequest) => {
    const size = pageSizeOf(request.pageSize);
    const rows = await loadPage(database, request, decodePageToken(request.pageToken), size + 1);
    const { page, nextPageToken } = cutPage(rows, size, ({ id }) => id);
    return { entries: page.map(toAuditEntry), nextPageToken };
  };
}

/** In the order of the primary key, or of audit_by_target. */
function loadPage(session: Session, { target, actor }: ListAuditRequest, before: string, limit: number) {
  const given: [condition: string, value: string][] = [
    ['target = ?', target],
    ['actor = ?', actor],
    ['id < ?', before],
  ];
  const wanted = given.filter(([, value]) => value !== '');
  const where = wanted.length === 0 ? '' : `where ${wanted.map(([condition]) => condition).join(' and ')}`;
  return session.all<AuditRow>(
    `select id, at, actor, action, target, reason, detail from audit ${where} order by id desc limit ${limit}`,
    wanted.map(([, value]) => value),
  );
}

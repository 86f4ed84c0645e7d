import { type ListDispatchesRequest, ListOrder } from '../../gen/dispatch/v1/dispatch_pb.ts';
import type { Context } from '../context.ts';
import type { Binding, Session } from '../db/session.ts';
import { invalidField } from '../errors.ts';
import { cutPage, decodePageToken, pageSizeOf } from '../page-token.ts';
import { namesOfStates, stateNames, toDispatch } from './show.ts';
import { type DispatchRow, kindSql, rowSql } from './store.ts';

/** See DispatchService.ListDispatches. */
export function listDispatches({ database }: Context) {
  return async (request: ListDispatchesRequest) => {
    const size = pageSizeOf(request.pageSize);
    const rows = await loadPage(database, request, readKey(decodePageToken(request.pageToken)), size + 1);
    const { page, nextPageToken } = cutPage(rows, size, (row) => `${row.created_at}/${row.dispatch_id}`);
    return { dispatches: page.map(toDispatch), nextPageToken };
  };
}

/** Behind which dispatch a page begins; undefined: it is the first. */
type Key = readonly [createdAt: number, dispatchId: string] | undefined;

function readKey(after: string): Key {
  if (after === '') return undefined;
  const [createdAt, dispatchId = ''] = after.split('/');
  if (Number.isSafeInteger(Number(createdAt)) && dispatchId !== '') return [Number(createdAt), dispatchId];
  throw invalidField('page_token', 'must be the next_page_token of a page before');
}

/** Each state by itself, so that the order comes from dispatch_by_state, or from dispatch_by_lane or …_by_appid. */
function loadPage(session: Session, request: ListDispatchesRequest, after: Key, limit: number): Promise<DispatchRow[]> {
  const isOldestFirst = request.order === ListOrder.OLDEST_FIRST;
  const order = isOldestFirst ? 'created_at, dispatch_id' : 'created_at desc, dispatch_id desc';
  const states = request.states.length === 0 ? stateNames : namesOfStates(request.states);
  const { sql, bindings } = toWhere(session, request, after, isOldestFirst);
  const parts = states.map(
    (state) =>
      `select * from (select ${rowSql} from dispatch where state = ?${sql} order by ${order} limit ${limit}) ${state}`,
  );
  return session.all<DispatchRow>(
    `${parts.join(' union all ')} order by ${order} limit ${limit}`,
    states.flatMap((state) => [state, ...bindings]),
  );
}

function toWhere(
  session: Session,
  { laneId, appid, kind, olderThanSeconds }: ListDispatchesRequest,
  after: Key,
  isOldestFirst: boolean,
): { sql: string; bindings: Binding[] } {
  const conditions: [sql: string, ...bindings: Binding[]][] = [];
  if (laneId !== '') conditions.push(['lane_id = ?', laneId]);
  if (appid !== '') conditions.push(['appid = ?', appid]);
  if (kind !== '') conditions.push([`${kindSql} = ?`, kind]);
  if (olderThanSeconds > 0) conditions.push([`created_at <= ${session.dialect.now} - ?`, olderThanSeconds * 1000]);
  if (after !== undefined) {
    const sign = isOldestFirst ? '>' : '<';
    const [createdAt, dispatchId] = after;
    conditions.push([`created_at ${sign}= ?`, createdAt]);
    conditions.push([`(created_at ${sign} ? or dispatch_id ${sign} ?)`, createdAt, dispatchId]);
  }
  return {
    sql: conditions.map(([sql]) => ` and ${sql}`).join(''),
    bindings: conditions.flatMap(([, ...bindings]) => bindings),
  };
}

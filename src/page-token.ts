import { invalidField } from './errors.ts';

const standardPageSize = 50;
const maxPageSize = 200;

/** How many items a page has: 0 asks for 50, more than 200 for 200. */
export function pageSizeOf(pageSize: number): number {
  return pageSize === 0 ? standardPageSize : Math.min(pageSize, maxPageSize);
}

/** The rows of a page, of which one more was read to see whether there are more, and the token of the next page. */
export function cutPage<Row>(
  rows: readonly Row[],
  size: number,
  keyOf: (row: Row) => string,
): { page: Row[]; nextPageToken: string } {
  const page = rows.slice(0, size);
  return { page, nextPageToken: rows.length > size ? encodePageToken(keyOf(page.at(-1)!)) : '' };
}

function encodePageToken(after: string): string {
  return Buffer.from(JSON.stringify({ after })).toString('base64url');
}

/** The key behind which a page begins; '' for the first page. */
export function decodePageToken(token: string): string {
  if (token === '') return '';
  try {
    const { after } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { after?: unknown };
    if (typeof after === 'string') return after;
  } catch {}
  throw invalidField('page_token', 'must be the next_page_token of a page before');
}

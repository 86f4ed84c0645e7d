import { createHash } from 'node:crypto';
import { invalidField } from '../../errors.ts';
import { decodePageToken } from '../../page-token.ts';

/** What the pages of one list have in common: a token of one is refused in another. */
export type Asked = readonly (string | number | boolean)[];

/** Where a page begins: behind what has this key. */
export function toPageKey(asked: Asked, key: readonly (string | number)[]): string {
  return JSON.stringify([hash(asked), ...key]);
}

/** The key behind which a page begins; undefined: it is the first. `check` tells whether it is of the right form. */
export function readPageKey<Key extends readonly (string | number)[]>(
  pageToken: string,
  asked: Asked,
  check: (key: readonly unknown[]) => key is Key,
): Key | undefined {
  const after = decodePageToken(pageToken);
  if (after === '') return undefined;
  const [askedBefore, ...key] = parse(after);
  if (askedBefore === hash(asked) && check(key)) return key;
  throw invalidField('page_token', 'must be the next_page_token of a page before, of the same list');
}

/** Whether a value may be a time or a number that a token has. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parse(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

const hash = (asked: Asked) => createHash('sha256').update(JSON.stringify(asked)).digest('base64url').slice(0, 16);

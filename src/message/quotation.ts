import type { Source } from '../expert/expert.ts';

/** More sources than this, or more bytes, are not shown. */
const maxSources = 5;
const maxBytes = 2048;

/** The sources of an answer as users see them: a line each, title and address. */
export function formatQuotation(citations: readonly Source[]): string {
  let quotation = '';
  for (const { title, url } of citations.slice(0, maxSources)) {
    const longer = `${quotation}${quotation === '' ? '' : '\n'}《${title}》${url}`;
    if (Buffer.byteLength(longer) > maxBytes) break;
    quotation = longer;
  }
  return quotation;
}

import type { Citation, Place } from '../expert/expert.ts';
import type { FixedTexts } from './fixed-texts.ts';

/** More sources than this, or more bytes, are not shown; of one source, so many places. */
const maxSources = 5;
const maxBytes = 2048;
const maxPlaces = 3;

/** The sources of an answer as users see them: a line each, title and address, or of a file its name and the place. */
export function formatQuotation(citations: readonly Citation[], texts: FixedTexts): string {
  let quotation = '';
  for (const { title, url, places } of citations.slice(0, maxSources)) {
    const line = `《${title}》${url === '' ? formatPlaces(places, texts) : url}`;
    const longer = `${quotation}${quotation === '' ? '' : '\n'}${line}`;
    if (Buffer.byteLength(longer) > maxBytes) break;
    quotation = longer;
  }
  return quotation;
}

/** The pages, or where there are none the headings; what is cited first comes first. */
function formatPlaces(places: readonly Place[], texts: FixedTexts): string {
  const pages = [...new Set(places.flatMap(({ page }) => page ?? []))].slice(0, maxPlaces);
  if (pages.length > 0) return texts.onPages(pages);
  const headings = [...new Set(places.map(({ heading }) => heading))].filter((heading) => heading !== '');
  return headings.length === 0 ? '' : texts.underHeadings(headings.slice(0, maxPlaces));
}

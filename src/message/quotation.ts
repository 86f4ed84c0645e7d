import type { Source } from '../expert/expert.ts';

/** More sources than this are not shown. */
const maxSources = 5;

/** The sources of an answer as users see them: a line each, title and address. */
export function formatQuotation(citations: readonly Source[]): string {
  return citations
    .slice(0, maxSources)
    .map(({ title, url }) => (url === '' ? `《${title}》` : `《${title}》${url}`))
    .join('\n');
}

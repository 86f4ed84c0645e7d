import type { Citation, FoundPassage } from './expert.ts';

/** The documents of the passages, each once, with the places that the passages stand at. */
export function cite(passages: readonly FoundPassage[]): Citation[] {
  const citations = new Map<string, Citation>();
  for (const { source, page, heading } of passages) {
    const citation = citations.get(source.documentId) ?? { ...source, places: [] };
    citations.set(source.documentId, citation);
    const isNew = !citation.places.some((place) => place.page === page && place.heading === heading);
    if (isNew) citation.places.push(page === undefined ? { heading } : { page, heading });
  }
  return [...citations.values()];
}

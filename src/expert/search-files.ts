import { searchTexts } from '../retrieval/search-texts.ts';
import type { Attachment, Found, FoundPassage, Search } from './expert.ts';

/** The passages of the files among what came with a question, in their order, as what was found. */
export function filePassages(attachments: readonly Attachment[] = []): FoundPassage[] {
  return attachments.flatMap((attachment) => {
    if (attachment.kind !== 'file') return [];
    const source = { documentId: attachment.documentId, title: attachment.name, url: '' };
    return attachment.passages.map((passage) => ({ source, ...passage, score: 0 }));
  });
}

/** A search that also looks into the files that came with a question, and gives what supports an answer better. */
export function searchWithFiles(search: Search, attachments: readonly Attachment[] | undefined): Search {
  const passages = filePassages(attachments);
  if (passages.length === 0) return search;
  const texts = passages.map(({ source, heading, text }) => `${source.title}\n${heading}\n${text}`);
  return async (query, limit) => {
    const learned = await search(query, limit);
    const { found, support } = searchTexts(texts, query, limit);
    const own: Found = { passages: found.map(({ at, score }) => ({ ...passages[at]!, score })), support };
    return support > 0 && support >= learned.support ? own : learned;
  };
}

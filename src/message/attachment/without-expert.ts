import type { Material } from './load-material.ts';

/** The texts of a channel that are said about pictures and files. */
export type AttachmentText = 'imageUnsupported' | 'fileUnreadable' | 'fileRead' | 'pictureUnseen' | 'fileUnread';

/**
 * What is said to a message without words in place of an answer; undefined: the expert has something to look at. The
 * material is what fits to the expert; `reads`: it can say something of a file of which nothing is asked.
 */
export function sayInstead(
  { came }: Material,
  { reads, sees }: { reads: boolean; sees: boolean },
): AttachmentText | undefined {
  const own = came.filter(({ origin }) => origin === 'own');
  const hasRead = own.some(({ kind, given }) => kind === 'file' && given !== undefined);
  const hasSeen = own.some(({ kind, given }) => kind === 'image' && given !== undefined);
  if (hasSeen || (hasRead && reads)) return undefined;
  if (hasRead) return 'fileRead';
  return own.some(({ kind }) => kind === 'image') && !sees ? 'imageUnsupported' : 'fileUnreadable';
}

/** What is said below an answer: which of what came with the message it takes no account of. */
export function notesOn({ came }: Material): AttachmentText[] {
  const lacks = (sought: 'image' | 'file') => came.some(({ kind, given }) => kind === sought && given === undefined);
  return [...(lacks('image') ? (['pictureUnseen'] as const) : []), ...(lacks('file') ? (['fileUnread'] as const) : [])];
}

import type { Expert } from '../../expert/expert.ts';
import type { Material } from './load-material.ts';

/** The texts of a channel that are said about pictures and files. */
export type AttachmentText = 'imageUnsupported' | 'fileUnreadable' | 'fileRead' | 'pictureUnseen' | 'fileUnread';

/** What is said to a message without words in place of an answer; undefined: the expert has something to look at. */
export function sayInstead(
  { came }: Material,
  { sees = false, summarises = false }: Pick<Expert, 'sees' | 'summarises'>,
): AttachmentText | undefined {
  const own = came.filter(({ origin }) => origin === 'own');
  const hasRead = own.some(({ kind, isGiven }) => kind === 'file' && isGiven);
  const hasSeen = sees && own.some(({ kind, isGiven }) => kind === 'image' && isGiven);
  if (hasSeen || (hasRead && summarises)) return undefined;
  if (hasRead) return 'fileRead';
  return own.some(({ kind }) => kind === 'image') && !sees ? 'imageUnsupported' : 'fileUnreadable';
}

/** What is said below an answer: which of what came with the message it takes no account of. */
export function notesOn({ came }: Material, { sees = false }: Pick<Expert, 'sees'>): AttachmentText[] {
  const isUnseen = came.some(({ kind, isGiven }) => kind === 'image' && !(isGiven && sees));
  const isUnread = came.some(({ kind, isGiven }) => kind === 'file' && !isGiven);
  return [...(isUnseen ? (['pictureUnseen'] as const) : []), ...(isUnread ? (['fileUnread'] as const) : [])];
}

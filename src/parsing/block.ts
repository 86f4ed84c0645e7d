/** The types of files that are read; the names are the seed's file_type. */
export const fileTypes = ['PDF', 'DOC', 'DOCX', 'TXT', 'HTML'] as const;
export type FileType = (typeof fileTypes)[number];

/** One readable unit of a document, in reading order; `text` is a single line and never empty. */
export interface Block {
  kind: 'heading' | 'text' | 'row';
  text: string;
  /** The page that it stands on, from 1, where a document has pages. */
  page?: number;
}

/** What can't be learned from a document, and why; the reason is shown to operators. */
export class Unreadable extends Error {
  /** `damaged`: it can't be read, and never will be. `noText`: it can be read, and there is nothing to learn in it. */
  readonly kind: 'damaged' | 'noText';

  constructor(kind: 'damaged' | 'noText', reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'Unreadable';
    this.kind = kind;
  }
}

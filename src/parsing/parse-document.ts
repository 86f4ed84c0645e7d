import type { Block, FileType } from './block.ts';
import { Unreadable } from './block.ts';
import { detectType } from './detect-type.ts';
import { readDoc } from './doc/read-doc.ts';
import { readDocx } from './docx/read-docx.ts';
import { readHtml } from './html/read-html.ts';
import { readPdf } from './pdf/read-pdf.ts';
import { type Passage, splitPassages } from './split-passages.ts';
import { readText } from './text/read-text.ts';

/** How much a document may have. */
export interface DocumentLimits {
  maxChars: number;
  maxPages: number;
}

type Read = (bytes: Uint8Array<ArrayBuffer>, limits: DocumentLimits) => Block[] | Promise<Block[]>;

const readers: Record<FileType, Read> = { PDF: readPdf, DOC: readDoc, DOCX: readDocx, TXT: readText, HTML: readHtml };

/** Finds a document's type from its bytes, reads it and splits it. Throws Unreadable with the reason. */
export async function parseDocument(
  bytes: Uint8Array<ArrayBuffer>,
  limits: DocumentLimits,
): Promise<{ fileType: FileType; passages: Passage[] }> {
  const type = detectType(bytes);
  if ('unsupported' in type) throw new Unreadable('damaged', `it is ${type.unsupported}`);
  const blocks = await readers[type.fileType](bytes, limits);
  const passages = splitPassages(blocks);
  if (passages.length === 0) throw new Unreadable('noText', 'it holds no text');
  return { fileType: type.fileType, passages };
}

import { type Block, type FileType, Unreadable } from './block.ts';
import { detectType } from './detect-type.ts';
import { type Passage, splitPassages } from './split-passages.ts';

/** How much a document may have. */
export interface DocumentLimits {
  maxChars: number;
  maxPages: number;
}

type Read = (bytes: Uint8Array<ArrayBuffer>, limits: DocumentLimits) => Block[] | Promise<Block[]>;

/** Each is loaded when a document needs it: loading all of them takes longer than reading most documents. */
const readers: Record<FileType, () => Promise<Read>> = {
  PDF: async () => (await import('./pdf/read-pdf.ts')).readPdf,
  DOC: async () => (await import('./doc/read-doc.ts')).readDoc,
  DOCX: async () => (await import('./docx/read-docx.ts')).readDocx,
  TXT: async () => (await import('./text/read-text.ts')).readText,
  HTML: async () => (await import('./html/read-html.ts')).readHtml,
};

/** Finds a document's type from its bytes, reads it and splits it. Throws Unreadable with the reason. */
export async function parseDocument(
  bytes: Uint8Array<ArrayBuffer>,
  limits: DocumentLimits,
): Promise<{ fileType: FileType; passages: Passage[] }> {
  const type = detectType(bytes);
  if ('unsupported' in type) throw new Unreadable('damaged', `it is ${type.unsupported}`);
  const read = await readers[type.fileType]();
  const passages = splitPassages(await read(bytes, limits));
  if (passages.length === 0) throw new Unreadable('noText', 'it holds no text');
  return { fileType: type.fileType, passages };
}

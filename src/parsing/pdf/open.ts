import { fileURLToPath } from 'node:url';
import type { PDFDocumentLoadingTask, PDFDocumentProxy, PDFPageProxy } from 'pdfjs-dist';
import { Unreadable } from '../block.ts';

export type PdfPage = PDFPageProxy;

/** An open PDF. */
export interface OpenPdf {
  pageCount: number;
  /** The page of this number, from 1. */
  getPage(number: number): Promise<PdfPage>;
  /** Forgets the fonts and pages seen so far; they are read again when needed. */
  forget(): Promise<void>;
  /** Gives back what it holds. */
  close(): void;
}

type Pdfjs = typeof import('pdfjs-dist');

/** Bytes at the end in which an unfinished object would show that the file was cut off. */
const MAX_TAIL_BYTES = 4 * 1024 * 1024;

/** Opens a PDF from its bytes, which are taken over. @throws {Unreadable} damaged, also when it needs a password. */
export async function openPdf(bytes: Uint8Array<ArrayBuffer>): Promise<OpenPdf> {
  checkEnd(bytes);
  const pdfjs = await loadPdfjs();
  if (!process.listeners('unhandledRejection').includes(ignorePdfjs)) process.on('unhandledRejection', ignorePdfjs);
  const folder = fileURLToPath(new URL('.', import.meta.resolve('pdfjs-dist/package.json')));
  const task = pdfjs.getDocument({
    data: bytes,
    cMapUrl: `${folder}cmaps/`,
    cMapPacked: true,
    standardFontDataUrl: `${folder}standard_fonts/`,
    useSystemFonts: false,
    disableFontFace: true,
    useWasm: false,
    useWorkerFetch: false,
    enableXfa: false,
    // Pictures are never looked at: none is small enough to be decoded.
    maxImageSize: 0,
    // A broken font or drawing must not take the text beside it away.
    stopAtErrors: false,
    verbosity: 0,
  });
  try {
    const document = await task.promise;
    return {
      pageCount: document.numPages,
      getPage: (number) => getPage(document, number),
      forget: () => document.cleanup(),
      close: () => close(task),
    };
  } catch (error) {
    close(task);
    throw explainFailure(error);
  }
}

/**
 * Of a damaged object pdfjs rejects, beside the promise that it gave out, some that nobody waits for, also when the file
 * has long been closed. So this listens for as long as the thread lives, which is no longer than one file takes.
 */
function ignorePdfjs(reason: unknown): void {
  if (!(reason instanceof Error && reason.stack?.includes('pdfjs-dist'))) throw reason;
}

function close(task: PDFDocumentLoadingTask): void {
  // Not awaited: pdfjs would wait for a page of which no more is read to be read to its end.
  void task.destroy().catch(() => {});
}

async function getPage(document: PDFDocumentProxy, number: number): Promise<PdfPage> {
  try {
    return await document.getPage(number);
  } catch (error) {
    throw new Unreadable('damaged', `the PDF is damaged: page ${number} of ${document.numPages} is missing`, {
      cause: error,
    });
  }
}

/** pdfjs-dist looks for two classes of the browser and complains on the console; only drawing would use them. */
async function loadPdfjs(): Promise<Pdfjs> {
  const globals = globalThis as { DOMMatrix?: unknown; Path2D?: unknown };
  globals.DOMMatrix ??= class {};
  globals.Path2D ??= class {};
  return (await import('pdfjs-dist/legacy/build/pdf.mjs')) as Pdfjs;
}

function explainFailure(cause: unknown): Unreadable {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  if (error.name === 'PasswordException') {
    return new Unreadable('damaged', 'the PDF is encrypted and needs a password', { cause });
  }
  return new Unreadable('damaged', `the PDF is damaged: ${error.message || 'it cannot be opened'}`, { cause });
}

/**
 * A PDF ends with the place of its table of objects. pdfjs finds its way without it, but would then silently read less
 * than there was: a file whose end is missing is refused, and one whose table is not there when a part of it is missing.
 */
function checkEnd(bytes: Uint8Array): void {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length === 0) throw new Unreadable('damaged', 'the PDF is damaged: it is empty');
  const end = file.lastIndexOf('startxref');
  if (end === -1) throw new Unreadable('damaged', 'the PDF is damaged: its end is missing');
  const rest = file.toString('latin1', end, Math.min(file.length, end + MAX_TAIL_BYTES));
  // A later revision, or the body of a file that keeps a table at its front, was begun and not finished.
  if (/[\r\n]\d{1,10} \d{1,5} obj\b/.test(rest))
    throw new Unreadable('damaged', 'the PDF is damaged: its end is missing');
  const start =
    Number(/^startxref\s{0,10}(\d{1,12})/.exec(rest)?.[1]) + Math.max(0, file.subarray(0, 2048).indexOf('%PDF'));
  const table = Number.isSafeInteger(start) ? file.toString('latin1', start, start + 40) : '';
  if (/^\s*(?:xref|\d+\s+\d+\s+obj)/.test(table)) return;
  // The file was changed since it was written. Each stream has an end, and each entry of a plain table an object.
  const isWhole =
    count(file, 'endstream') === count(file, 'stream') / 2 && count(file, ' 00000 n') <= count(file, 'endobj');
  if (!isWhole) throw new Unreadable('damaged', 'the PDF is damaged: a part of it is missing');
}

function count(file: Buffer, word: string): number {
  let times = 0;
  for (let at = file.indexOf(word); at !== -1; at = file.indexOf(word, at + word.length)) times += 1;
  return times;
}

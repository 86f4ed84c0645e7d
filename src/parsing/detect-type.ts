import { type FileType, Unreadable } from './block.ts';
import { isOle, openOle } from './doc/open-ole.ts';
import { findMainPart } from './docx/open-docx.ts';
import { listZip, type ZipEntry } from './docx/open-zip.ts';
import { findMagic } from './known-magics.ts';
import { findEncoding, isBadGuess } from './text/decode-text.ts';
import { isNoise } from './text/is-noise.ts';

/** What a file is: one of the types that are read, or what else, in words for an operator. */
export type DetectedType = { fileType: FileType } | { unsupported: string };

/** A PDF may begin with other bytes; readers look this far. */
const PDF_HEAD_BYTES = 1024;
const SAMPLE_BYTES = 65_536;
const MAX_NULS = 0.4;

const MARKUP = /^<(?:!doctype\s{1,9}html|html|head|body|meta|title|script|style|link)[\s>/]/i;
const FRAGMENT = /^<(?:div|p|table|h[1-6]|ul|ol|section|article|main|center|font|span|br|hr|pre|form)[\s>/]/i;

/**
 * The type of a file, from its bytes alone.
 * @throws Unreadable when it is a kind of archive that is encrypted, or too damaged to tell what it holds
 */
export function detectType(bytes: Uint8Array): DetectedType {
  const head = Buffer.from(bytes.subarray(0, PDF_HEAD_BYTES)).toString('latin1');
  if (head.includes('%PDF-')) return { fileType: 'PDF' };
  if (isOle(bytes)) return detectOle(bytes);
  if (/^PK(?:\x03\x04|\x05\x06)/.test(head)) return detectZip(bytes);
  const other = findMagic(bytes);
  return other === undefined ? detectText(bytes) : { unsupported: other };
}

function detectOle(bytes: Uint8Array): DetectedType {
  const { streams } = openOle(bytes);
  if (streams.has('encryptedpackage')) {
    throw new Unreadable('damaged', 'the document is encrypted and needs a password');
  }
  if (streams.has('worddocument')) return { fileType: 'DOC' };
  if (streams.has('workbook') || streams.has('book')) return { unsupported: 'an Excel workbook' };
  if (streams.has('powerpoint document')) return { unsupported: 'a PowerPoint presentation' };
  if (streams.has('__properties_version1.0')) return { unsupported: 'an Outlook message' };
  if (streams.has('visiodocument')) return { unsupported: 'a Visio drawing' };
  return { unsupported: 'an Office file that is no Word document' };
}

function detectZip(bytes: Uint8Array): DetectedType {
  const entries = listZip(bytes);
  const main = findMainPart(bytes, entries);
  if (main?.contentType.includes('wordprocessingml') || main?.contentType.includes('ms-word')) {
    return { fileType: 'DOCX' };
  }
  if (main?.contentType.includes('spreadsheetml') || hasFolder(entries, 'xl/')) {
    return { unsupported: 'an Excel workbook' };
  }
  if (main?.contentType.includes('presentationml') || hasFolder(entries, 'ppt/')) {
    return { unsupported: 'a PowerPoint presentation' };
  }
  if (entries.has('word/document.xml')) return { fileType: 'DOCX' };
  if (entries.has('META-INF/container.xml')) return { unsupported: 'an EPUB book' };
  if (entries.has('mimetype') && entries.has('content.xml')) return { unsupported: 'an OpenDocument file' };
  return { unsupported: 'a ZIP archive' };
}

function hasFolder(entries: Map<string, ZipEntry>, folder: string): boolean {
  return entries.keys().some((name) => name.startsWith(folder));
}

function detectText(bytes: Uint8Array): DetectedType {
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  const encoding = findEncoding(sample);
  const decoded = new TextDecoder(encoding).decode(sample);
  const text = decoded.replaceAll('\0', '').trim();
  const markup = skipComments(text);
  if (MARKUP.test(markup)) return { fileType: 'HTML' };
  if (/^<\?xml\s/i.test(markup)) {
    return /<html[\s>]/i.test(markup.slice(0, 4096)) ? { fileType: 'HTML' } : { unsupported: 'an XML document' };
  }
  // A fragment of a page ends as it begins; a Markdown text may begin with a tag, too.
  if (
    FRAGMENT.test(markup) &&
    Buffer.from(bytes.subarray(-200)).toString('latin1').replaceAll('\0', '').trim().endsWith('>')
  ) {
    return { fileType: 'HTML' };
  }
  if (
    /^(?:MIME-Version|From|Subject|Date|Content-Type):/i.test(text) &&
    /^content-type:\s{0,9}multipart\/related/im.test(text)
  ) {
    return { unsupported: 'a web archive (MHTML)' };
  }
  const isText = !isNoise(text) && !hasManyNuls(decoded) && !isBadGuess(sample, encoding);
  return isText ? { fileType: 'TXT' } : { unsupported: 'of no type that is learned' };
}

/** What a page begins with, behind its comments. */
function skipComments(text: string): string {
  let start = 0;
  while (text.startsWith('<!--', start)) {
    const end = text.indexOf('-->', start);
    if (end < 0) return '';
    start = end + 3;
    while (/\s/.test(text[start] ?? '')) start += 1;
  }
  return text.slice(start);
}

/** A few come from programs that fill up with them; a text is not made of them. */
function hasManyNuls(text: string): boolean {
  return text.split('\0').length - 1 > text.length * MAX_NULS;
}

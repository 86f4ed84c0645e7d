import { zipSync } from 'fflate';
import mammoth from 'mammoth';
import { type Block, Unreadable } from '../block.ts';
import type { TextLimits } from '../check-blocks.ts';
import { readMarkup } from '../html/read-html.ts';
import { readNumbering } from './numbering.ts';
import { decodePart, findLinks, findMainPart } from './open-docx.ts';
import { listZip, unzipParts } from './open-zip.ts';
import { placeNotes } from './place-notes.ts';
import { slimDocx } from './slim-docx.ts';
import { readStyles } from './styles.ts';

/** A document of 1,000 pages has some 10 MB of XML. */
const ZIP_LIMITS = { maxPartBytes: 64 << 20, maxTotalBytes: 200 << 20 };
const WORD = 'http://schemas.openxmlformats.org/wordprocessingml/2006/main';
const HEADINGS = [1, 2, 3, 4, 5, 6].map((level) => `p.h${level} => h${level}:fresh`);

/**
 * The text of a Word document since 2007, in order: headings by their styles, tables, text boxes behind the paragraph
 * that they hang on, footnotes and endnotes behind the paragraph that they belong to. There are no pages in the file.
 * @throws Unreadable when it is damaged, encrypted, unpacks to too much, or has no text or too much
 */
export async function readDocx(bytes: Uint8Array, limits: TextLimits): Promise<Block[]> {
  const entries = listZip(bytes);
  const main = findMainPart(bytes, entries);
  if (!main) throw new Unreadable('damaged', 'the document is missing in its package');
  const folder = main.name.slice(0, main.name.lastIndexOf('/') + 1);
  const linksName = `${folder}_rels/${main.name.slice(folder.length)}.rels`;
  const links = findLinks(unzipParts(bytes, entries, [linksName], ZIP_LIMITS).get(linksName), folder);
  const nameOf = (kind: string): string => links.get(kind) ?? `${folder}${kind}.xml`;
  const names = [main.name, ...['styles', 'numbering', 'footnotes', 'endnotes'].map(nameOf)];
  const parts = unzipParts(bytes, entries, names, ZIP_LIMITS);
  const xmlOf = (name: string): string => decodePart(parts.get(name));
  const context = {
    styles: readStyles(xmlOf(nameOf('styles'))),
    numbering: readNumbering(xmlOf(nameOf('numbering'))),
    limits,
    charsLeft: limits.maxChars,
    elements: 0,
  };
  const slim = {
    'word/document.xml': wrap('document', `<w:body>${slimDocx(xmlOf(main.name), context)}</w:body>`),
    'word/footnotes.xml': wrap('footnotes', slimDocx(xmlOf(nameOf('footnotes')), context)),
    'word/endnotes.xml': wrap('endnotes', slimDocx(xmlOf(nameOf('endnotes')), context)),
  };
  return readMarkup(await convert(slim), limits);
}

/** Has mammoth read a package of these parts alone: there are no pictures, links or settings in it. */
async function convert(parts: Record<string, string>): Promise<string> {
  const files = Object.entries(parts).map(([name, xml]) => [name, Buffer.from(xml)]);
  const zip = zipSync(Object.fromEntries(files), { level: 0 });
  try {
    const result = await mammoth.convertToHtml(
      { buffer: Buffer.from(zip) },
      {
        styleMap: HEADINGS,
        includeDefaultStyleMap: false,
        includeEmbeddedStyleMap: false,
        transformDocument: placeNotes,
      },
    );
    return result.value;
  } catch (error) {
    throw new Unreadable('damaged', 'its text cannot be read', { cause: error });
  }
}

function wrap(name: string, xml: string): string {
  return `<w:${name} xmlns:w="${WORD}">${xml}</w:${name}>`;
}

import { unzipParts, type ZipEntry } from './open-zip.ts';
import { readAttribute, scanXml } from './scan-xml.ts';

/** The part of an Office package that is the document itself. */
export interface MainPart {
  name: string;
  contentType: string;
}

const CONTENT_TYPES = '[Content_Types].xml';
const PACKAGE_LINKS = '_rels/.rels';
/** Both are lists of a few lines. */
const LIMITS = { maxPartBytes: 4 << 20, maxTotalBytes: 8 << 20 };

/**
 * The document inside an Office package; undefined for an archive that is none.
 * @throws Unreadable when the package's lists are damaged
 */
export function findMainPart(bytes: Uint8Array, entries: Map<string, ZipEntry>): MainPart | undefined {
  if (!entries.has(CONTENT_TYPES)) return undefined;
  const lists = unzipParts(bytes, entries, [CONTENT_TYPES, PACKAGE_LINKS], LIMITS);
  const name = findLinks(lists.get(PACKAGE_LINKS), '').get('officeDocument') ?? 'word/document.xml';
  const types = decodePart(lists.get(CONTENT_TYPES));
  let contentType = '';
  scanXml(types, (tag) => {
    if (tag.name !== 'Override' || readAttribute(types, tag, 'PartName') !== `/${name}`) return;
    contentType = readAttribute(types, tag, 'ContentType') ?? '';
  });
  return entries.has(name) ? { name, contentType } : undefined;
}

/** The names of the parts that a part links to, by the kind of link; of several of a kind the first. */
export function findLinks(part: Uint8Array | undefined, folder: string): Map<string, string> {
  const links = new Map<string, string>();
  const xml = decodePart(part);
  scanXml(xml, (tag) => {
    if (tag.name !== 'Relationship' || !tag.isOpening) return;
    const kind = readAttribute(xml, tag, 'Type')?.split('/').at(-1);
    const target = readAttribute(xml, tag, 'Target');
    if (!kind || !target || links.has(kind)) return;
    links.set(kind, target.startsWith('/') ? target.slice(1) : folder + target.replace(/^\.\//, ''));
  });
  return links;
}

/** The text of an XML part: UTF-8, or UTF-16 with a mark. */
export function decodePart(part: Uint8Array | undefined): string {
  const isWide = part?.[0] === 0xff || part?.[0] === 0xfe;
  return new TextDecoder(isWide ? (part[0] === 0xff ? 'utf-16le' : 'utf-16be') : 'utf-8').decode(part);
}

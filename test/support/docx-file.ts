import { strToU8, zipSync } from 'fflate';

const NAMESPACES =
  'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" ' +
  'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" ' +
  'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" ' +
  'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"';
const TYPE = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml';
const LINK = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';

/** What a hand-built Word document is made of: the XML inside the root of each part, or a whole part that begins with `<?`. */
export interface DocxParts {
  body: string;
  styles?: string;
  numbering?: string;
  footnotes?: string;
  endnotes?: string;
  /** Other files in the package, by name. */
  others?: Record<string, string | Uint8Array>;
}

/** A Word document of these parts, as Word lays its packages out. */
export function writeDocx({ body, styles, numbering, footnotes, endnotes, others = {} }: DocxParts): Uint8Array {
  const files: Record<string, Uint8Array> = {
    '[Content_Types].xml': strToU8(
      `<?xml version="1.0"?><Types xmlns="x"><Override PartName="/word/document.xml" ContentType="${TYPE}"/></Types>`,
    ),
    '_rels/.rels': strToU8(
      `<?xml version="1.0"?><Relationships xmlns="x"><Relationship Id="a" Type="${LINK}/officeDocument" Target="word/document.xml"/></Relationships>`,
    ),
    'word/document.xml': wrap('document', body.startsWith('<?') ? body : `<w:body>${body}</w:body>`),
  };
  for (const [name, xml] of Object.entries({ styles, numbering, footnotes, endnotes })) {
    if (xml !== undefined) files[`word/${name}.xml`] = wrap(name, xml);
  }
  for (const [name, file] of Object.entries(others)) files[name] = typeof file === 'string' ? strToU8(file) : file;
  return zipSync(files);
}

function wrap(name: string, xml: string): Uint8Array {
  return strToU8(xml.startsWith('<?') ? xml : `<?xml version="1.0"?><w:${name} ${NAMESPACES}>${xml}</w:${name}>`);
}

/** A paragraph of text; `properties` are the elements of its w:pPr. */
export function paragraph(text: string, properties = ''): string {
  return `<w:p>${properties && `<w:pPr>${properties}</w:pPr>`}${run(text)}</w:p>`;
}

export function run(text: string, properties = ''): string {
  return `<w:r>${properties && `<w:rPr>${properties}</w:rPr>`}<w:t xml:space="preserve">${text}</w:t></w:r>`;
}

export function table(rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]) => row.map((text) => `<w:tc>${paragraph(text)}</w:tc>`).join('');
  return `<w:tbl>${rows.map((row) => `<w:tr>${cells(row)}</w:tr>`).join('')}</w:tbl>`;
}

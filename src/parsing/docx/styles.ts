import { readAttribute, scanXml } from './scan-xml.ts';

/** What a style of a Word document says of the text in it. */
export interface DocxStyle {
  /** 1 to 9: it is a heading of that level. */
  heading?: number;
  /** It is a line of a table of contents, which says again what stands elsewhere. */
  isContents: boolean;
  isHidden: boolean;
  /** The list whose numbers its paragraphs bear. */
  listId?: string;
  listLevel?: number;
}

interface Declared extends Partial<DocxStyle> {
  basedOn?: string;
}

/** Chains of styles longer than this go in a circle. */
const MAX_CHAIN = 20;

/** Reads the styles of a Word document, by id, each with what it inherits. */
export function readStyles(xml: string): Map<string, DocxStyle> {
  const declared = new Map<string, Declared>();
  let current: Declared | undefined;
  scanXml(xml, (tag) => {
    if (!tag.isOpening) {
      if (tag.name === 'style') current = undefined;
      return;
    }
    const value = readAttribute(xml, tag, 'val') ?? '';
    if (tag.name === 'style') {
      current = {};
      const id = readAttribute(xml, tag, 'styleId');
      if (id !== undefined && !declared.has(id)) declared.set(id, current);
    } else if (current) readProperty(current, tag.name, value);
  });
  return new Map([...declared.keys()].map((id) => [id, resolve(declared, id)]));
}

function readProperty(style: Declared, name: string, value: string): void {
  if (name === 'name') readName(style, value);
  else if (name === 'basedOn') style.basedOn = value;
  else if (name === 'outlineLvl') style.heading ??= Number.parseInt(value, 10) + 1;
  else if (name === 'numId') style.listId = value;
  else if (name === 'ilvl') style.listLevel = Number.parseInt(value, 10);
  else if (name === 'vanish') style.isHidden = isOn(value);
}

function readName(style: Declared, name: string): void {
  const level = /^(?:heading|标题|標題)\s?([1-9])$/i.exec(name)?.[1];
  if (level) style.heading = Number(level);
  else if (/^(?:title|标题|標題)$/i.test(name)) style.heading = 1;
  else if (/^(?:toc |contents |目录 |目錄 )\w/i.test(name)) style.isContents = true;
}

/** The value of a property that is either on or off; it is on where nothing is said. */
export function isOn(value: string | undefined): boolean {
  return !/^(?:0|false|off)$/.test(value ?? '');
}

function resolve(declared: Map<string, Declared>, id: string): DocxStyle {
  const style: DocxStyle = { isContents: false, isHidden: false };
  let from = declared.get(id);
  for (let count = 0; from && count < MAX_CHAIN; count += 1) {
    Object.assign(style, { ...withoutBase(from), ...style });
    if (from.isContents) style.isContents = true;
    if (from.isHidden && count === 0) style.isHidden = true;
    from = from.basedOn === undefined ? undefined : declared.get(from.basedOn);
  }
  // Level 10 is the body.
  if (!(style.heading !== undefined && style.heading >= 1 && style.heading <= 9)) delete style.heading;
  return style;
}

function withoutBase({ basedOn: _, ...style }: Declared): Partial<DocxStyle> {
  return style;
}

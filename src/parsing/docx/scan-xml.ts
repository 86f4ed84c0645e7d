import { Unreadable } from '../block.ts';

/** A tag of an XML text, and where it stands. */
export interface XmlTag {
  /** Without the prefix: those of Office are alike in all programs that matter, and do not tell its elements apart. */
  name: string;
  isOpening: boolean;
  isClosing: boolean;
  start: number;
  /** Behind its `>`. */
  end: number;
}

/** Documents of people nest some dozens deep; libraries that recurse over elements need a bound. */
const MAX_DEPTH = 200;

/**
 * Visits the tags of an XML text, in order and in linear time. Both flags are set for an empty element.
 * @throws Unreadable when it declares a document type (entities), nests deeper than 200 elements, or is not well-formed
 */
export function scanXml(xml: string, visit: (tag: XmlTag) => void): void {
  const open: string[] = [];
  for (let at = xml.indexOf('<'); at >= 0; at = xml.indexOf('<', at)) {
    const next = xml[at + 1];
    if (next === '?') at = skipPast(xml, '?>', at);
    else if (xml.startsWith('<!--', at)) at = skipPast(xml, '-->', at);
    else if (xml.startsWith('<![CDATA[', at)) at = skipPast(xml, ']]>', at);
    else if (next === '!') throw new Unreadable('damaged', 'it declares a document type, which no document does');
    else {
      const tag = readTag(xml, at);
      if (tag.isOpening) open.push(tag.name);
      if (open.length > MAX_DEPTH)
        throw new Unreadable('damaged', `its elements are nested more than ${MAX_DEPTH} deep`);
      if (tag.isClosing && open.pop() !== tag.name) throw cutOff();
      visit(tag);
      at = tag.end;
    }
  }
  if (open.length > 0) throw cutOff();
}

/** The value of an attribute of a tag, whatever its prefix; undefined: it has none of that name. */
export function readAttribute(xml: string, tag: XmlTag, name: string): string | undefined {
  const text = xml.slice(tag.start, tag.end);
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const [, quote] = /^\s{0,9}=\s{0,9}(["'])/.exec(text.slice(at + name.length, at + name.length + 20)) ?? [];
    if (!quote || !/[\s:]/.test(text[at - 1]!)) continue;
    const from = text.indexOf(quote, at + name.length) + 1;
    return text.slice(from, text.indexOf(quote, from));
  }
  return undefined;
}

function readTag(xml: string, start: number): XmlTag {
  const isEnd = xml[start + 1] === '/';
  let end = start + 1;
  // A '>' may stand in an attribute's value.
  while (end < xml.length && xml[end] !== '>') {
    const quote = xml[end];
    end = quote === '"' || quote === "'" ? skipPast(xml, quote, end + 1) : end + 1;
  }
  if (end >= xml.length) throw cutOff();
  let nameEnd = start + (isEnd ? 2 : 1);
  let nameStart = nameEnd;
  for (; nameEnd < end && !/[\s/]/.test(xml[nameEnd]!); nameEnd += 1) if (xml[nameEnd] === ':') nameStart = nameEnd + 1;
  const isEmpty = xml[end - 1] === '/';
  const name = xml.slice(nameStart, nameEnd);
  return { name, isOpening: !isEnd, isClosing: isEnd || isEmpty, start, end: end + 1 };
}

function skipPast(xml: string, text: string, from: number): number {
  const at = xml.indexOf(text, from);
  if (at < 0) throw cutOff();
  return at + text.length;
}

function cutOff(): Unreadable {
  return new Unreadable('damaged', 'a part of it is cut off or no sound XML');
}

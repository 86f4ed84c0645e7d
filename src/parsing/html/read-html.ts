import { Parser } from 'htmlparser2';
import type { Block } from '../block.ts';
import { checkBlocks, type TextLimits, tooMuchText } from '../check-blocks.ts';
import { decodeText } from '../text/decode-text.ts';
import { cleanHtml } from './clean-html.ts';

/** Browsers look for a charset in the first 1,024 bytes; pages saved by other programs have it later. */
const CHARSET_BYTES = 8192;
/** Where a title is looked for; it stands in the head. */
const HEAD_CHARS = 65_536;
const MAX_TITLE_CHARS = 200;
/** What cleanHtml returns at most. */
const MAX_CLEAN_CHARS = 2_000_000;

/**
 * The readable text of an HTML file, in order; the page's title stands first, as a heading, where the page has none.
 * @throws Unreadable when there is no text, or too much
 */
export function readHtml(bytes: Uint8Array, limits: TextLimits): Block[] {
  const html = decodeText(bytes, readCharset(bytes));
  const blocks = readMarkup(html, limits);
  const title = blocks.some((block) => block.kind === 'heading') ? '' : readTitle(html.slice(0, HEAD_CHARS));
  return title === '' ? blocks : [{ kind: 'heading', text: title }, ...blocks];
}

/**
 * The readable text of markup, in order.
 * @throws Unreadable when there is no text, or too much
 */
export function readMarkup(html: string, limits: TextLimits): Block[] {
  const blocks = cleanHtml(html);
  // It cuts a text off at its limit, and a document without its end is not the document.
  const chars = blocks.reduce((sum, block) => sum + block.text.length, 0);
  if (chars >= MAX_CLEAN_CHARS) throw tooMuchText({ maxChars: Math.min(limits.maxChars, MAX_CLEAN_CHARS) });
  return checkBlocks(blocks, limits);
}

/** The encoding that the page names in its head, in either form of <meta> or an XML declaration. */
function readCharset(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, CHARSET_BYTES)).toString('latin1');
  const declared = /^\s{0,9}<\?xml [^>]{0,200}encoding=["']([\w.:-]{1,40})/.exec(head)?.[1];
  let found: string | undefined;
  const parser = new Parser({
    onopentag(name, { charset, content, 'http-equiv': about }) {
      if (name !== 'meta' || found !== undefined) return;
      found = charset ?? (about?.toLowerCase() === 'content-type' ? afterCharset(content) : undefined);
    },
  });
  parser.end(head);
  return found ?? declared;
}

function afterCharset(content = ''): string | undefined {
  return /charset=\s{0,9}["']?([\w.:-]{1,40})/i.exec(content.slice(0, 200))?.[1];
}

function readTitle(head: string): string {
  let title = '';
  let isInside = false;
  let isDone = false;
  const parser = new Parser({
    onopentagname(name) {
      isInside = name === 'title' && !isDone;
    },
    ontext(text) {
      if (isInside && title.length <= MAX_TITLE_CHARS) title += text;
    },
    onclosetag(name) {
      if (name === 'title') isDone = true;
      isInside = false;
    },
  });
  parser.end(head);
  return cleanHtml(`<p>${title.replaceAll('<', '&lt;')}</p>`)
    .map((block) => block.text)
    .join(' ')
    .slice(0, MAX_TITLE_CHARS)
    .toWellFormed();
}

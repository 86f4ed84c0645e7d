import type { NewsItem } from '../../gen/wxmp/bizcomm/v1/bizcomm_pb.ts';
import type { Content } from '../knowledge/document.ts';
import { cleanHtml } from '../parsing/clean-html.ts';
import { splitPassages } from '../parsing/split-passages.ts';

/** A longer title is cut, and a longer address is left out: both stand in every quotation. */
const maxTitleChars = 200;
const maxUrlChars = 1024;

/** Reads an item: title, address, and its text in passages. Pictures alone make no text. */
export function readArticle(item: NewsItem): Content {
  return {
    title: [...tidy(item.title)].slice(0, maxTitleChars).join(''),
    url: isWebAddress(item.url) ? item.url : '',
    passages: splitPassages(cleanHtml(item.content)),
  };
}

/** One line without what can't be seen. */
function tidy(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\s\u0000-\u001f\u007f\u200b-\u200f\ufeff]+/g, ' ')
    .trim();
}

/** Users are shown addresses; only ones that a browser opens, and whole. */
function isWebAddress(url: string): boolean {
  return url.length <= maxUrlChars && /^https?:\/\//.test(url) && URL.canParse(url);
}

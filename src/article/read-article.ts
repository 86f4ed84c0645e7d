import type { NewsItem } from '../../gen/wxmp/bizcomm/v1/bizcomm_pb.ts';
import type { Content } from '../knowledge/learn-document.ts';
import { cleanHtml } from '../parsing/html/clean-html.ts';
import { splitPassages } from '../parsing/split-passages.ts';
import { tidyLine } from '../parsing/tidy-line.ts';

/** A longer title is cut, and a longer address is left out: both stand in every quotation. */
const maxTitleChars = 200;
const maxUrlChars = 1024;

/** Reads an item: title, address, and its text in passages. Pictures alone make no text. */
export function readArticle(item: NewsItem): Content {
  return {
    title: tidyLine(item.title, maxTitleChars),
    url: isWebAddress(item.url) ? item.url : '',
    passages: splitPassages(cleanHtml(item.content)),
  };
}

/** Users are shown addresses; only ones that a browser opens, and whole. */
function isWebAddress(url: string): boolean {
  return url.length <= maxUrlChars && /^https?:\/\//.test(url) && URL.canParse(url);
}

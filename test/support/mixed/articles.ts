/** An account's articles, changed by chance, and what may be answered from them. */
import { publish } from '../../../src/sandbox/wechat-state.ts';
import type { Account } from '../accounts.ts';
import { itemWith } from '../articles.ts';
import type { Random } from '../random.ts';
import type { MixedEvents } from './events.ts';
import { createShutter, type Shutter, type Word, type Words } from './shutter.ts';

interface Item {
  word: Word | undefined;
  /** The words that stood here before, as long as they may be found. */
  old: Word[];
  banned: Shutter;
}

interface Article {
  articleId: string;
  items: Item[];
  isGone: boolean;
  isBusy: boolean;
}

const maxArticles = 6;
const maxItems = 3;

export interface MixedArticles {
  /** Changes an article and tells of it. */
  change(random: Random): Promise<void>;
  /** The account is deleted: what was replaced is not learned again, and what was banned is. */
  startAfresh(): void;
}

export function createMixedArticles(
  { appid, wechat }: Account,
  { words, events, deleted }: { words: Words; events: MixedEvents; deleted: Shutter },
): MixedArticles {
  const articles: Article[] = [];

  const show = ({ articleId, items }: Article) => {
    const shown = items.slice(0, items.findLastIndex(({ word }) => word !== undefined) + 1);
    const published = shown.map(({ word }) => itemWith(word?.text ?? 'gone', { isDeleted: word === undefined }));
    if (published.length > 0) publish(wechat.state, { articleId, createTime: 1_790_000_000, items: published });
    else wechat.state.messages = wechat.state.messages.filter((each) => each.articleId !== articleId);
  };
  const write = (item: Item) => {
    clear(item);
    item.word = words.make(appid, () => [deleted, item.banned]);
  };
  const clear = (item: Item) => {
    if (item.word !== undefined) item.old.push(item.word);
    item.word = undefined;
  };
  const add = (random: Random): Article => {
    const items = Array.from({ length: maxItems }, () => ({ word: undefined, old: [], banned: createShutter() }));
    const article: Article = { articleId: `a${articles.length + 1}`, items, isGone: false, isBusy: false };
    articles.push(article);
    for (const item of items.slice(0, 1 + random.below(maxItems))) write(item);
    show(article);
    return article;
  };
  /** Tells of a change; an update that was told has taken what it replaces out of the answers. */
  const tell = async ({ articleId, items }: Article, event_type: number, msgidx: number) => {
    const about = msgidx === 0 ? items : [items[msgidx - 1]!];
    const replaced = about.flatMap(({ old }) => old.splice(0));
    const shut = () => {
      for (const word of replaced) word.own.shut();
    };
    if (event_type === 8) for (const { banned } of about) banned.open();
    const event = { event_type, article_id: articleId, msgidx };
    if (!(await events.send([event], event_type <= 5 ? shut : undefined))) return;
    if (event_type === 6) shut();
    if (event_type === 7) for (const { banned } of about) banned.shut();
  };
  const changeIt = async (article: Article, random: Random) => {
    const { items } = article;
    const at = random.below(maxItems);
    const whole = random.chance(0.4);
    const kind = random.below(10);
    if (kind < 3 && !article.isGone) {
      const length = 1 + random.below(maxItems);
      if (whole) for (const [index, item] of items.entries()) (index < length ? write : clear)(item);
      else if (items[at]!.word !== undefined) write(items[at]!);
      show(article);
      await tell(article, 5, whole ? 0 : at + 1);
    } else if (kind < 6 && (articles.length > 3 || !whole)) {
      for (const item of whole ? items : [items[at]!]) clear(item);
      if (whole) article.isGone = true;
      show(article);
      await tell(article, 6, whole ? 0 : at + 1);
    } else if (kind < 9) await tell(article, kind < 8 ? 7 : 8, whole ? 0 : at + 1);
    else await tell(article, random.pick([4, 5]), whole ? 0 : at + 1); // late, and of nothing new
  };

  return {
    async change(random) {
      const isNew = articles.length === 0 || (articles.length < maxArticles && random.chance(0.3));
      const article = isNew ? add(random) : random.pick(articles);
      if (article.isBusy) return;
      article.isBusy = true;
      if (!isNew) await changeIt(article, random);
      else if (random.chance(0.5)) await tell(article, 4, 0);
      else for (const [index, { word }] of article.items.entries()) if (word) await tell(article, 4, index + 1);
      article.isBusy = false;
    },
    startAfresh() {
      for (const { items } of articles) {
        for (const { old, banned } of items) {
          for (const word of old.splice(0)) word.own.shut();
          banned.open();
        }
      }
    },
  };
}

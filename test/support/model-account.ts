/** An account's articles as a model: what was published, changed, deleted and banned, and the events that tell of it. */
import { publish } from '../../src/sandbox/wechat-state.ts';
import type { Account } from './accounts.ts';
import { itemWith } from './articles.ts';
import type { Random } from './random.ts';

/** An event as the WeChat side sends it. */
export interface ModelEvent {
  appid: string;
  event_id: string;
  event_type: number;
  article_id: string;
  msgidx: number;
}

interface ModelMessage {
  articleId: string;
  /** The word of each item; undefined: the item was deleted. */
  words: (string | undefined)[];
  bans: Map<number, boolean>;
  /** What was deleted may be published again; then its events come in order. Bans always do. */
  returns: boolean;
  /** The items that were ever deleted, counted from 0. */
  deleted: Set<number>;
}

export interface ModelAccount {
  /** Changes something by chance, in the model and at the WeChat side. */
  change(): void;
  /** Takes one of the events that may come next, in any order between messages. */
  takeEvent(): ModelEvent | undefined;
  /** Every word that was ever published, and whether a user may be answered with it now. */
  words(): { word: string; isVisible: boolean }[];
  /** The items that there ever were, and whether they exist now. */
  items(): { article_id: string; msgidx: number; exists: boolean }[];
}

export function createModelAccount({ appid, wechat }: Account, random: Random): ModelAccount {
  const messages: ModelMessage[] = [];
  const waiting: { event: ModelEvent; inOrder: boolean }[] = [];
  const everyWord: string[] = [];
  const mostItems = new Map<string, number>();
  let events = 0;

  const tell = (message: ModelMessage, event_type: number, msgidx: number) => {
    const event = { appid, event_id: `m${++events}`, event_type, article_id: message.articleId, msgidx };
    waiting.push({ event, inOrder: message.returns || event_type >= 7 });
  };
  const newWord = () => {
    const word = `qz${everyWord.length}x`;
    everyWord.push(word);
    return word;
  };
  /** Shows the WeChat side what the message is now. */
  const show = ({ articleId, words }: ModelMessage) => {
    const items = words.map((word) => itemWith(word ?? 'gone', { isDeleted: word === undefined }));
    publish(wechat.state, { articleId, createTime: 1_790_000_000, items });
    mostItems.set(articleId, Math.max(words.length, mostItems.get(articleId) ?? 0));
  };
  /** Gives a message other items; one that was deleted stays so unless the message returns. */
  const replaceItems = (message: ModelMessage) => {
    const isGone = (at: number) => message.deleted.has(at) && !message.returns;
    message.words = Array.from({ length: 1 + random.below(3) }, (_, at) => (isGone(at) ? undefined : newWord()));
  };
  const publishNew = (message: ModelMessage) => {
    replaceItems(message);
    show(message);
    if (random.chance(0.5)) tell(message, 4, 0);
    else for (const index of message.words.keys()) tell(message, 4, index + 1);
  };
  const update = (message: ModelMessage) => {
    const at = random.below(message.words.length);
    if (random.chance(0.3)) {
      replaceItems(message);
      show(message);
      tell(message, 5, 0);
    } else if (message.words[at] !== undefined) {
      message.words[at] = newWord();
      show(message);
      tell(message, 5, random.chance(0.7) ? at + 1 : 0);
    }
  };
  const remove = (message: ModelMessage) => {
    const at = random.below(message.words.length);
    if (random.chance(0.5)) {
      message.words = [];
      wechat.state.messages = wechat.state.messages.filter(({ articleId }) => articleId !== message.articleId);
      tell(message, 6, 0);
    } else if (message.words[at] !== undefined) {
      message.words[at] = undefined;
      message.deleted.add(at);
      show(message);
      tell(message, 6, at + 1);
    }
  };
  const ban = (message: ModelMessage, isBanned: boolean) => {
    const msgidx = random.below(4);
    if (msgidx === 0) message.bans.clear();
    message.bans.set(msgidx, isBanned);
    tell(message, isBanned ? 7 : 8, msgidx);
  };

  return {
    change() {
      const message = messages.length > 0 ? random.pick(messages) : undefined;
      const kind = random.below(10);
      if (message === undefined || (kind < 2 && messages.length < 12)) {
        const articleId = `model${messages.length + 1}`;
        const fresh = {
          articleId,
          words: [],
          bans: new Map(),
          returns: random.chance(0.5),
          deleted: new Set<number>(),
        };
        messages.push(fresh);
        publishNew(fresh);
      } else if (kind >= 7) ban(message, kind < 9);
      else if (message.words.length === 0) {
        if (message.returns) publishNew(message);
      } else if (kind < 5) update(message);
      else remove(message);
    },
    takeEvent() {
      const heads = waiting.filter(({ event, inOrder }, at) => {
        const isEarlier = (other: (typeof waiting)[number]) =>
          other.inOrder && other.event.article_id === event.article_id;
        return !inOrder || !waiting.slice(0, at).some(isEarlier);
      });
      if (heads.length === 0) return undefined;
      const taken = random.pick(heads);
      waiting.splice(waiting.indexOf(taken), 1);
      return taken.event;
    },
    words() {
      const visible = new Set(
        messages.flatMap(({ words, bans }) => words.filter((_, at) => !(bans.get(at + 1) ?? bans.get(0) ?? false))),
      );
      return everyWord.map((word) => ({ word, isVisible: visible.has(word) }));
    },
    items: () =>
      messages.flatMap(({ articleId, words }) =>
        Array.from({ length: mostItems.get(articleId) ?? 0 }, (_, at) => {
          return { article_id: articleId, msgidx: at + 1, exists: words[at] !== undefined };
        }),
      ),
  };
}

/**
 * An account in which all happens at once: articles, files, bases and configurations change while users ask. What an
 * answer holds is held against what could be answered from between its question and its arrival.
 */
import assert from 'node:assert/strict';
import type { Account, Accounts } from '../accounts.ts';
import type { FileHost } from '../file-host.ts';
import type { Random } from '../random.ts';
import { search } from '../search.ts';
import { until } from '../until.ts';
import { createMixedArticles } from './articles.ts';
import { createMixedEvents } from './events.ts';
import { createMixedFiles, type MixedFiles } from './files.ts';
import { createShutter, isVisible, lastShut, type View, type Words } from './shutter.ts';

export interface MixedAccount {
  appid: string;
  files: MixedFiles;
  /** Does something by chance; what it began may go on. */
  step(random: Random): Promise<void>;
  /** Waits until all that was begun is done, told and answered. */
  quiet(): Promise<void>;
  /** The questions that were answered, and how many of them with a word. */
  answered(): { all: number; withWord: number };
}

interface Reply {
  text: string;
  quotation: string;
}

const views: View[] = ['online', 'draft'];

/** Begun and not ended things of one account. */
const maxAtOnce = 10;

export async function openMixedAccount(
  { accounts, host, words }: { accounts: Accounts; host: FileHost; words: Words },
  appid: string,
  delays: Random,
): Promise<MixedAccount> {
  const { service } = accounts;
  const account: Account = await accounts.open(appid, []);
  // What is fetched may be old when it arrives.
  account.answer = async ({ method }, forward) => {
    const answer = await forward();
    const isFetch = method === 'getbizpublishlist' && delays.chance(0.5);
    if (isFetch) await new Promise((resolve) => setTimeout(resolve, delays.below(150)));
    return answer;
  };
  const call = (path: string, body: unknown) => service.call(`/api/wxmp/${path}`, body);
  const deleted = createShutter();
  const events = createMixedEvents(account, call);
  const articles = createMixedArticles(account, { words, events, deleted });
  const files = createMixedFiles(appid, { host, words, events, call });
  const atOnce = new Set<Promise<void>>();
  const changing = new Set<Promise<void>>();
  const counts = { all: 0, withWord: 0 };
  let incarnation = 0;
  let questions = 0;
  let isConfiguring = false;
  let isPaused = false;

  const create = async () => {
    deleted.open();
    incarnation++;
    assert.equal((await call('assistant/create', { appid, name: '助手' })).errcode, 0);
    for (let count = 2; count > 0; count--) await files.create();
  };

  const configure = async (random: Random) => {
    if (isConfiguring) return;
    isConfiguring = true;
    const kind = random.below(30);
    if (kind < 23) await files.bind(random);
    else if (kind < 26) await files.delete(random);
    else if (kind < 29 || incarnation > 1) await files.create();
    else await startAfresh();
    isConfiguring = false;
  };

  /** Deletes the assistant and makes it anew, between two changes of articles: bans are lost with it. */
  const startAfresh = async () => {
    isPaused = true;
    await Promise.all(changing);
    assert.equal((await call('assistant/delete', { appid })).errcode, 0);
    deleted.shut();
    files.deleteAll();
    events.cancel(() => true);
    events.startAfresh();
    incarnation++;
    const gone = await call('message/notify', { ...messageOf('late', 'u'), text: { content: 'qz0x' } });
    assert.equal(gone.errcode, 40401);
    articles.startAfresh();
    await create();
    isPaused = false;
  };

  const messageOf = (msgid: string, user: string) => ({ appid, openid: `${appid}-${user}`, msgid, msg_type: 'text' });

  const ask = async (random: Random) => {
    events.look();
    const view = random.pick<View>(['online', 'draft']);
    const content = questionOf(random, view);
    const message = { ...messageOf(`q${++questions}`, `u${random.below(6)}`), is_debug: view === 'draft' ? 1 : 0 };
    const asked = incarnation;
    const wasPaused = isPaused;
    const sentMs = performance.now();
    const { errcode, errmsg } = await call('message/notify', { ...message, text: { content } });
    if (errcode === 40401 && (wasPaused || isPaused || incarnation !== asked)) return;
    assert.equal(errcode, 0, errmsg);
    const reply = await until(`${appid}: ${message.msgid} is answered`, () => find(message) ?? incarnation !== asked);
    if (reply === true) return;
    counts.all++;
    if (check(reply, { view, sentMs, content })) counts.withWord++;
  };

  /** Asks, without a user, for what has just been taken away. */
  const probe = async () => {
    for (const view of views) {
      for (const word of lastShut(words, appid, view, 3)) {
        const sentMs = performance.now();
        const asked = { view, sentMs, content: word.text };
        const found = await search(service, appid, word.text, view).catch((error) =>
          assert.match(String(error), /no such/),
        );
        const seen = (found ?? []).map(({ text, source }) => `${text}\n${source.title}`).join('\n');
        check({ text: '', quotation: seen }, asked);
      }
    }
  };

  const questionOf = (random: Random, view: View): string => {
    const all = words.all();
    const own = all.filter((word) => word.appid === appid);
    const kind = random.below(10);
    const gone = lastShut(words, appid, view, 3);
    if (kind < 4 && gone.length > 0) return random.pick(gone).text;
    if (kind === 4) return '这一份文件的记号是什么，其它文件里有没有？';
    const among = kind < 6 ? all : kind < 8 ? own.slice(-12) : own.filter((word) => isVisible(word, view));
    const word = among.length === 0 ? 'qz0x' : random.pick(among).text;
    return random.chance(0.5) ? word : `${word} 这个记号在哪里？`;
  };

  const find = ({
    msgid,
    openid,
    is_debug,
  }: {
    msgid: string;
    openid: string;
    is_debug: number;
  }): Reply | undefined => {
    const isIt = (each: { msgid: string; openid: string; isDebug: number }) =>
      each.msgid === msgid && each.openid === openid && each.isDebug === is_debug;
    const reply = service.wechat.state.replies.find(isIt);
    if (reply === undefined) return undefined;
    assert.equal(service.wechat.state.replies.filter(isIt).length, 1, `${appid}: ${msgid} is answered once`);
    const text = reply.segments.map((segment) => segment.content).join('\n');
    return { text, quotation: reply.segments.at(-1)?.quotation ?? '' };
  };

  /** Fails where an answer holds what it could not be taken from at any moment. Returns whether it holds a word. */
  const check = ({ text, quotation }: Reply, asked: { view: View; sentMs: number; content: string }): boolean => {
    const nowMs = performance.now();
    const cited = words.in(`${text}\n${quotation}`);
    const said = `${appid}, ${asked.view}: ${asked.content} → ${text}\n${quotation}`;
    for (const word of cited) {
      assert.equal(word.appid, appid, said);
      const shut = word.shutters(asked.view).findIndex((shutter) => shutter.wasShut(asked.sentMs, nowMs));
      assert.equal(shut, -1, `${said}\n${word.text} was shut (${shut}) when it was asked for`);
    }
    if (words.in(text).length > 0) assert.notEqual(quotation, '', said);
    return words.in(text).length > 0;
  };

  const begin = (what: Promise<void>, more?: Set<Promise<void>>) => {
    for (const set of more === undefined ? [atOnce] : [atOnce, more]) {
      set.add(what);
      what.then(
        () => set.delete(what),
        () => {}, // it stays, so that waiting for it fails
      );
    }
  };

  await create();
  return {
    ...{ appid, files, answered: () => counts },
    async step(random) {
      const kind = random.below(20);
      if (kind < 6) begin(ask(random));
      else if (kind < 10 && !isPaused) begin(articles.change(random).then(probe), changing);
      else if (kind < 14 && files.bases().length > 0) begin(files.change(random).then(probe));
      else if (kind < 18) begin(configure(random).then(probe));
      else if (!isPaused) begin(events.repeat(random.pick), changing);
      if (atOnce.size >= maxAtOnce) await Promise.race(atOnce);
    },
    async quiet() {
      while (atOnce.size > 0) await Promise.all(atOnce);
      // Some were accepted just before their base was deleted, and some deletions after it.
      const gone = new Set<unknown>(files.deletedBases());
      events.cancel(({ knowledge_id }) => gone.has(knowledge_id));
      const told = until(`${appid}: every event is told`, () => {
        events.look();
        return events.waiting().length === 0;
      });
      await told.catch((error) => assert.fail(`${error.message}: ${JSON.stringify(events.waiting())}`));
    },
  };
}

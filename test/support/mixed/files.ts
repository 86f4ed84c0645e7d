/** An account's bases of files, changed by chance, and what may be answered from them. */
import assert from 'node:assert/strict';
import type { FileHost } from '../file-host.ts';
import type { Random } from '../random.ts';
import type { Answer } from '../service.ts';
import type { MixedEvents } from './events.ts';
import { createShutter, type Shutter, type View, type Word, type Words } from './shutter.ts';

interface File {
  fileId: string;
  added: boolean;
  /** The type of the event that was applied last. */
  last: number;
  /** What may still be found of it. */
  words: Word[];
  isBusy: boolean;
}

interface Base {
  knowledgeId: string;
  files: File[];
  deleted: Shutter;
  unbound: Record<View, Shutter>;
}

/** Of files of one account; another account's have the same ids. */
const fileIds = ['f1', 'f2', 'f3'];
const maxBases = 4;

export interface MixedFiles {
  /** Sends an event about a file. */
  change(random: Random): Promise<void>;
  create(): Promise<void>;
  delete(random: Random): Promise<void>;
  /** Changes which bases a configuration uses: the draft's list, publish, revert. */
  bind(random: Random): Promise<void>;
  /** The account was deleted. */
  deleteAll(): void;
  bases(): string[];
  deletedBases(): string[];
}

export function createMixedFiles(
  appid: string,
  {
    host,
    words,
    events,
    call,
  }: { host: FileHost; words: Words; events: MixedEvents; call: (path: string, body: unknown) => Promise<Answer> },
): MixedFiles {
  const bases: Base[] = [];
  const bound: Record<View, Set<Base>> = { online: new Set(), draft: new Set() };
  const living = () => bases.filter(({ deleted }) => !deleted.isShut());

  /** Puts a file with a new word at the host; `bad` can't be read, `missing` isn't there. */
  const put = ({ deleted, unbound }: Base, random: Random) => {
    const word = words.make(appid, (view) => [deleted, unbound[view]]);
    const kind = random.pick(['bad', 'missing', 'long', ...Array.from({ length: 9 }, () => 'good')]);
    const line = `${word.text} 是这一份文件的记号，其它文件里都没有。\n`;
    const text = kind === 'long' ? Array.from({ length: 120 }, (_, at) => `# 第${at}节\n\n${line}`).join('\n') : line;
    const waitMs = random.chance(0.5) ? random.below(120) : 0;
    host.files.set(`/${word.text}`, (_, response) => {
      if (kind === 'missing') response.writeHead(404);
      const bytes = kind === 'bad' ? Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex') : text;
      setTimeout(() => response.end(bytes), waitMs);
    });
    return { word, kind };
  };

  const bring = async (base: Base, file: File, event_type: 9 | 11, random: Random) => {
    const { word, kind } = put(base, random);
    const isLate = event_type === 11 ? file.last === 10 : !file.added && file.last !== 0;
    if (isLate || kind === 'bad' || kind === 'missing') word.own.shut();
    const replaced = isLate || kind === 'missing' ? [] : [...file.words];
    file.words.push(word);
    const address = { file_cos_url: `${host.url}/${word.text}`, file_name: `文件 ${word.text}.txt`, file_type: 'TXT' };
    const event = { event_type, knowledge_id: base.knowledgeId, file_id: file.fileId, ...address };
    const isAccepted = await events.send([event], () => {
      for (const each of replaced) each.own.shut();
      file.words = file.words.filter((each) => !replaced.includes(each));
    });
    // What is not fetched is as if it had never been told of.
    if (!isAccepted || (kind === 'missing' && !isLate)) return;
    if (event_type === 9) file.added = true;
    if (!isLate) file.last = event_type;
  };
  const remove = async (base: Base, file: File) => {
    const event = { event_type: 10, knowledge_id: base.knowledgeId, file_id: file.fileId };
    if (!(await events.send([event]))) return;
    for (const { own } of file.words.splice(0)) own.shut();
    file.last = 10;
  };

  const use = (view: View, chosen: Set<Base>) => {
    for (const base of chosen) base.unbound[view].open();
    return () => {
      for (const base of living()) if (!chosen.has(base)) base.unbound[view].shut();
      bound[view] = new Set(chosen);
    };
  };
  const settled = async (answer: Promise<Answer>, then: () => void) => {
    const { errcode, errmsg } = await answer;
    assert.equal(errcode, 0, errmsg);
    then();
  };

  return {
    bases: () => living().map(({ knowledgeId }) => knowledgeId),
    deletedBases: () => bases.filter(({ deleted }) => deleted.isShut()).map(({ knowledgeId }) => knowledgeId),
    async change(random) {
      const base = random.chance(0.05) ? random.pick(bases) : random.pick(living());
      const file = base?.files[random.below(fileIds.length)];
      if (base === undefined || file === undefined || file.isBusy) return;
      file.isBusy = true;
      const kind = random.below(20);
      if (kind < 6) await remove(base, file);
      else await bring(base, file, kind < 13 ? 9 : 11, random);
      file.isBusy = false;
    },
    async create() {
      if (living().length >= maxBases) return;
      const { knowledge_id: knowledgeId } = await call('knowledge/create', { appid, name: '文件' });
      const files = fileIds.map((fileId) => ({ fileId, added: false, last: 0, words: [], isBusy: false }));
      const unbound = { online: createShutter(), draft: createShutter() };
      const base: Base = { knowledgeId, files, deleted: createShutter(), unbound };
      bases.push(base);
      bound.online.add(base);
      bound.draft.add(base);
    },
    async delete(random) {
      const base = random.pick(living());
      if (living().length < 2) return;
      const { knowledgeId } = base;
      const isEvent = random.chance(0.5);
      if (isEvent) assert.ok(await events.send([{ event_type: 12, knowledge_id: knowledgeId }]));
      else assert.equal((await call('knowledge/delete', { appid, knowledge_id: knowledgeId })).errcode, 0);
      base.deleted.shut();
      bound.online.delete(base);
      bound.draft.delete(base);
      events.cancel((event) => event.knowledge_id === knowledgeId);
    },
    async bind(random) {
      const kind = random.below(4);
      if (kind === 0) return settled(call('assistant/publish', { appid }), use('online', bound.draft));
      if (kind === 1) return settled(call('assistant/revert', { appid }), use('draft', bound.online));
      const chosen = new Set(living().filter(() => random.chance(0.5)));
      const custom_knowledge_ids = [...chosen].map(({ knowledgeId }) => knowledgeId);
      const settings = { appid, name: '助手', system_promot: '', version: random.below(2) };
      const then = use('draft', chosen);
      return settled(call('assistant/update', { ...settings, custom_knowledge_ids }), then);
    },
    deleteAll() {
      for (const { deleted } of bases) deleted.shut();
      bound.online.clear();
      bound.draft.clear();
    },
  };
}

/** Puts questions to a base through the service's own splitting, index, search and expert. */
import type { Database } from '../../src/db/database.ts';
import type { Answer, Expert, Search } from '../../src/expert/expert.ts';
import { createExtractiveExpert, extractiveThreshold } from '../../src/expert/extractive.ts';
import { learnDocument } from '../../src/knowledge/learn-document.ts';
import { splitPassages } from '../../src/parsing/split-passages.ts';
import { createIndexBase, writeIndex } from '../../src/retrieval/index-passages.ts';
import { searchPassages } from '../../src/retrieval/search.ts';
import type { Outcome } from './figures.ts';
import type { Context, GoldQuestion } from './squad.ts';

const base = { knowledgeId: 'kb_eval', appid: 'wx_eval', baseNo: 77, type: 1, deleted: false };
const documentsAtOnce = 50;
const searchedPassages = 10;
const never = new AbortController().signal;

/** Learns the contexts as articles. */
export async function learnAll(database: Database, contexts: readonly Context[]): Promise<void> {
  await database.tx((tx) => createIndexBase(tx, base.baseNo));
  for (let from = 0; from < contexts.length; from += documentsAtOnce) {
    await database.tx(async (tx) => {
      await writeIndex(tx, base.baseNo, async (index) => {
        for (const { id, title, text } of contexts.slice(from, from + documentsAtOnce)) {
          const passages = splitPassages(text.split('\n').map((line) => ({ kind: 'text', text: line })));
          const origin = { kind: 'article', articleId: id, msgidx: 1 } as const;
          await learnDocument(tx, base, origin, { title, url: '', passages }, { hidden: false, syncId: null, index });
        }
      });
    });
  }
}

/** Asks each question, and tells what became of it. */
export async function askAll(database: Database, questions: readonly GoldQuestion[]): Promise<Outcome[]> {
  const expert = createExtractiveExpert({ threshold: extractiveThreshold });
  const outcomes: Outcome[] = [];
  for (const gold of questions) outcomes.push(await askOne(database, expert, gold));
  return outcomes;
}

/** The same with the gold context hidden: what is right then is to refuse. */
export async function askWithoutGold(database: Database, questions: readonly GoldQuestion[]): Promise<Outcome[]> {
  const expert = createExtractiveExpert({ threshold: extractiveThreshold });
  const outcomes: Outcome[] = [];
  for (const gold of questions) {
    await hide(database, gold.contextId, 1);
    outcomes.push(await askOne(database, expert, gold));
    await hide(database, gold.contextId, 0);
  }
  return outcomes;
}

async function hide(database: Database, articleId: string, hidden: 0 | 1): Promise<void> {
  await database.run('update document set hidden = ? where knowledge_id = ? and article_id = ?', [
    hidden,
    base.knowledgeId,
    articleId,
  ]);
}

async function askOne(database: Database, expert: Expert, gold: GoldQuestion): Promise<Outcome> {
  const search: Search = (query, limit) => searchPassages(database, { baseNos: [base.baseNo], query, limit });
  const goldId = await documentOf(database, gold.contextId);
  const found = await search(gold.question, searchedPassages);
  const rank = found.passages.findIndex(({ source }) => source.documentId === goldId) + 1;
  const answer = await finalOf(expert, gold.question, search);
  const reply = withoutSpace(answer.text);
  return {
    rank: rank === 0 ? undefined : rank,
    support: answer.trace.support,
    refused: answer.refused,
    hasGold: gold.answers.some((text) => reply.includes(withoutSpace(text))),
    length: [...answer.text].length,
    citesGold: answer.citations.some(({ documentId }) => documentId === goldId),
    citesOther: answer.citations.some(({ documentId }) => documentId !== goldId),
  };
}

async function documentOf(database: Database, articleId: string): Promise<string | undefined> {
  const [row] = await database.all<{ document_id: string }>(
    'select document_id from document where knowledge_id = ? and article_id = ?',
    [base.knowledgeId, articleId],
  );
  return row?.document_id;
}

async function finalOf(expert: Expert, text: string, search: Search): Promise<Answer> {
  for await (const event of expert.answer({ text, history: [], instructions: '' }, search, never)) {
    if (event.type === 'final') return event.answer;
  }
  throw new Error('the expert ended without an answer');
}

function withoutSpace(text: string): string {
  return text.replace(/\s+/g, '');
}

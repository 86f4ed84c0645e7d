/** What the passages of the benchmark are made from: real text, and questions about it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanHtml } from '../../src/parsing/html/clean-html.ts';
import { sampleQuestions, sandboxMessages } from '../../src/sandbox/articles/index.ts';
import { type QuestionSet, readSquad, toQuestionSet } from '../eval/squad.ts';

export interface Text {
  title: string;
  text: string;
}

export interface Material {
  origin: string;
  texts: Text[];
  questions: string[];
}

const files = ['cmrc2018/dev.json', 'cmrc2018/trial.json'];

/** CMRC from a folder; where there is none, the texts that are part of this project. */
export function loadMaterial(folder: string | undefined): Material {
  if (folder === undefined) return ownMaterial();
  const missing = files.filter((file) => !existsSync(join(folder, file)));
  if (missing.length > 0) throw new Error(`EVAL_DATA: ${folder} has no ${missing.join(' and no ')}`);
  return toMaterial(
    'CMRC',
    files.map((file) => readSquad(join(folder, file))),
  );
}

function toMaterial(origin: string, sets: QuestionSet[]): Material {
  const texts = sets.flatMap(({ contexts }) => contexts);
  return { origin, texts, questions: sets.flatMap(({ questions }) => questions.map(({ question }) => question)) };
}

function ownMaterial(): Material {
  const json = JSON.parse(readFileSync(join(import.meta.dirname, '../eval/small.json'), 'utf8'));
  const small = toMaterial('own texts', [toQuestionSet(json, 'small')]);
  const articles = sandboxMessages.flatMap(({ items }) =>
    items.map(({ title, content }) => {
      const blocks = cleanHtml(content);
      return { title, text: blocks.map(({ text }) => text).join('\n') };
    }),
  );
  return {
    origin: small.origin,
    texts: [...small.texts, ...articles],
    questions: [...small.questions, ...sampleQuestions.map(({ question }) => question)],
  };
}

/** Questions with their passages, in the form of SQuAD: CMRC, XQuAD, DRCD and others come so. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

export interface Context {
  id: string;
  title: string;
  text: string;
}

export interface GoldQuestion {
  question: string;
  /** The context that answers it. */
  contextId: string;
  answers: string[];
}

export interface QuestionSet {
  contexts: Context[];
  questions: GoldQuestion[];
}

const schema = z.object({
  data: z.array(
    z.object({
      title: z.string().default(''),
      paragraphs: z.array(
        z.object({
          context: z.string(),
          qas: z.array(z.object({ question: z.string(), answers: z.array(z.object({ text: z.string() })) })),
        }),
      ),
    }),
  ),
});

export function readSquad(path: string): QuestionSet {
  return toQuestionSet(JSON.parse(readFileSync(path, 'utf8')), path);
}

/** Equal contexts are one; questions without text or answer are left out. */
export function toQuestionSet(json: unknown, name: string): QuestionSet {
  const byText = new Map<string, Context>();
  const questions: GoldQuestion[] = [];
  for (const { title, paragraphs } of schema.parse(json).data) {
    for (const { context: text, qas } of paragraphs) {
      const context = byText.get(text) ?? { id: `${name}#${byText.size}`, title, text };
      byText.set(text, context);
      for (const { question, answers } of qas) {
        const texts = [...new Set(answers.map((answer) => answer.text))].filter((answer) => answer !== '');
        if (question.trim() === '' || texts.length === 0) continue;
        questions.push({ question, contextId: context.id, answers: texts });
      }
    }
  }
  return { contexts: [...byText.values()], questions };
}

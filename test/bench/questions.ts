import { createRandom } from '../support/random.ts';
import { pairsOf } from './fts5.ts';
import type { Material } from './material.ts';

/** The first `count` of the questions in an order by chance; where there are fewer, all of them. */
export function chooseQuestions({ questions }: Material, count: number): string[] {
  return chooseFrom([...new Set(questions)].sort(), count);
}

/** Questions that hold `terms` different pairs of characters: each is the beginning of a text. */
export function longQuestions({ texts }: Material, count: number, terms = 120): string[] {
  const long = texts.flatMap(({ text }) => {
    for (let end = terms; end <= text.length; end++) {
      const question = text.slice(0, end);
      if (new Set(pairsOf(question)).size === terms) return [question];
    }
    return [];
  });
  return chooseFrom(long, count);
}

function chooseFrom(list: string[], count: number): string[] {
  const random = createRandom(1);
  const rest = [...list];
  const chosen: string[] = [];
  while (chosen.length < count && rest.length > 0) chosen.push(rest.splice(random.below(rest.length), 1)[0]!);
  return chosen;
}

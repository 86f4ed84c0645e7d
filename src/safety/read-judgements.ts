const maxNames = 8;
const maxNameChars = 40;

/**
 * What an answer of the endpoint, which may be anything at all, says of each of `count` texts: the names of the
 * categories that it is flagged for, or undefined. Undefined in all where the answer does not judge each of them.
 */
export function readJudgements(answer: unknown, count: number): (string | undefined)[] | undefined {
  const { results } = asObject(answer);
  if (!Array.isArray(results) || results.length !== count) return undefined;
  const judged = results.map(asObject);
  if (!judged.every(({ flagged }) => typeof flagged === 'boolean')) return undefined;
  return judged.map(({ flagged, categories }) => (flagged === true ? nameCategories(categories) : undefined));
}

function nameCategories(categories: unknown): string {
  const names: string[] = [];
  for (const [name, isFlagged] of Object.entries(asObject(categories))) {
    if (isFlagged !== true) continue;
    const tidy = name
      .slice(0, 10 * maxNameChars)
      .toLowerCase()
      .replace(/[^a-z/_-]/g, '')
      .slice(0, maxNameChars);
    if (tidy !== '' && !names.includes(tidy)) names.push(tidy);
    if (names.length === maxNames) break;
  }
  return names.length === 0 ? 'unnamed' : names.join(', ');
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

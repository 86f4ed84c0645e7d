import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const text = readFileSync(join(root, 'docs/guarantees.md'), 'utf8');
const rows = [...text.matchAll(/^\| ([A-E]\d+) \|.+\|$/gm)].map(([, id]) => id!);

test('docs/guarantees.md has every property from A1 to E10', () => {
  const sizes = { A: 8, B: 7, C: 5, D: 10, E: 10 };
  const expected = Object.entries(sizes).flatMap(([letter, size]) =>
    Array.from({ length: size }, (_, index) => `${letter}${index + 1}`),
  );
  assert.deepEqual(rows, expected);
});

test('every test that docs/guarantees.md names exists, by file, name and part of make chaos', () => {
  const chaos = readFileSync(join(root, 'test/chaos/run.ts'), 'utf8');
  const wrong: string[] = [];
  for (const line of text.split('\n').filter((each) => each.startsWith('|'))) {
    const id = line.slice(2, 40);
    let file = '';
    for (const [, path, name, parts] of line.matchAll(/`((?:test|proto)\/[^`]+)`|"([^"]+)"|PART=([\w,-]+)/g)) {
      if (path !== undefined) file = path;
      if (path !== undefined && !existsSync(join(root, path))) wrong.push(`${id}: there is no ${path}`);
      else if (name !== undefined && !readFileSync(join(root, file), 'utf8').includes(name)) {
        wrong.push(`${id}: ${file} has no test ${name}`);
      }
      for (const part of parts?.split(',') ?? []) {
        if (!new RegExp(`^  '?${part}'?: async`, 'm').test(chaos)) wrong.push(`${id}: make chaos has no part ${part}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

/** Golden files: what was once seen and approved. `UPDATE_GOLDEN=1` writes what is seen now. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../contract/golden');
const biome = join(import.meta.dirname, '../../node_modules/.bin/biome');

/** Holds what was seen against golden/<name>.json: every key, in its order. */
export function checkGolden(name: string, seen: unknown): void {
  const file = join(folder, `${name}.json`);
  const text = JSON.stringify(seen, null, 2);
  if (process.env.UPDATE_GOLDEN) {
    writeFileSync(file, `${text}\n`);
    execFileSync(biome, ['format', '--write', file], { stdio: 'ignore' });
  }
  assert.equal(text, JSON.stringify(readGolden(name), null, 2), `not as in ${file} (UPDATE_GOLDEN=1 rewrites it)`);
}

export function readGolden(name: string): { says: string }[] {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
}

export function goldenNames(): string[] {
  return readdirSync(folder).map((file) => file.replace(/\.json$/, ''));
}

/** Replaces what differs from run to run by placeholders. Earlier replacements win. */
export function normalise(text: string, replacements: readonly (readonly [string | RegExp, string])[]): string {
  return [...replacements, ...always].reduce((result, [what, by]) => result.replaceAll(what, by), text);
}

const ulid = '[0-9A-HJKMNP-TV-Z]{26}';

const always: (readonly [RegExp, string])[] = [
  [new RegExp(`kb_${ulid}`, 'g'), '<knowledge id>'],
  [new RegExp(ulid, 'g'), '<id>'],
  [/"next_page_token":"[^"]+"/g, '"next_page_token":"<page token>"'],
  [/"(create_time|update_time|created_at)":1\d{9}/g, '"$1":"<time>"'],
];

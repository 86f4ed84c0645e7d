import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Block, Unreadable } from '../../src/parsing/block.ts';
import type { Random } from './random.ts';

/** A file of test/parsing/fixtures. */
export function readFixture(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(import.meta.dirname, '../parsing/fixtures', name)));
}

/** Blocks as lines that are quickly compared: `# ` before a heading, `- ` before a row. */
export function toLines(blocks: readonly Block[]): string[] {
  const marks = { heading: '# ', row: '- ', text: '' };
  return blocks.map(({ kind, text }) => marks[kind] + text);
}

/** Why a document can't be read: `damaged: it is …`. Fails where it can be, or anything else is thrown. */
export async function reasonOf(read: () => unknown): Promise<string> {
  try {
    await read();
  } catch (error) {
    if (error instanceof Unreadable) return `${error.kind}: ${error.message}`;
    throw error;
  }
  return assert.fail('it was read');
}

/** What a file becomes on a bad day: cut off, bytes changed, a stretch repeated or left out. */
export function spoil(bytes: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  const at = random.below(bytes.length);
  const end = Math.min(bytes.length, at + random.below(600));
  const way = random.below(4);
  if (way === 0) return bytes.slice(0, at);
  if (way === 1) return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
  if (way === 2) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
  const changed = bytes.slice();
  for (let count = 1 + random.below(20); count > 0; count -= 1) {
    changed[random.below(bytes.length)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
  }
  return changed;
}

/** Reads many spoilt copies: each gives blocks or a reason, in time. The seed says which copies. */
export async function readSpoilt(
  bytes: Uint8Array,
  random: Random,
  times: number,
  read: (spoilt: Uint8Array<ArrayBuffer>) => unknown,
): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    const spoilt = spoil(bytes, random);
    const startMs = performance.now();
    try {
      await read(spoilt);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw new Error(`seed ${random.seed}, copy ${count}`, { cause: error });
    }
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs < 5000, `seed ${random.seed}, copy ${count} took ${tookMs} ms`);
  }
}

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../../src');
const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)));

/** Design section 4: a file may import from its own layer and from those below it. */
const layers: string[][] = [
  ['main', 'doctor', 'operator-commands', 'sandbox'],
  ['app'],
  ['rpc', 'cron', 'console'],
  ['assistant', 'knowledge', 'article', 'message', 'wecom'],
  ['retrieval', 'expert', 'safety', 'dispatch', 'parsing'],
  ['bizcomm', 'egress', 'db'],
];

/** What has no layer: every file may import it. It may import types from anywhere, values only from its like. */
const common = [
  'config',
  'config-values',
  'context',
  'errors',
  'logger',
  'metrics',
  'check-rules',
  'page-token',
  'sealer',
  'secret-keys',
];

test('imports point one way, from main down to the database', () => {
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter(({ to, isType }) => !mayImport(file, to, isType))
      .map(({ to }) => `${file} imports ${to}`),
  );
  assert.deepEqual(wrong, []);
});

test('the imports test fails on an import that points back', () => {
  assert.equal(mayImport('db/lease.ts', 'message/store.ts', true), false);
  assert.equal(mayImport('dispatch/deliver.ts', 'wecom/crypto.ts', true), false);
  assert.equal(mayImport('message/store.ts', 'rpc/errors.ts', false), false);
  assert.equal(mayImport('expert/extractive.ts', 'knowledge/store.ts', true), false);
  assert.equal(mayImport('safety/guard.ts', 'message/store.ts', true), false);
  assert.equal(mayImport('errors.ts', 'db/tx.ts', false), false);
  assert.equal(mayImport('message/store.ts', 'db/tx.ts', true), true);
});

test('every folder of src is one that the design names', () => {
  const known = new Set([...layers.flat(), ...common]);
  assert.deepEqual(
    [...new Set(files.map(areaOf))].filter((area) => !known.has(area)),
    [],
  );
});

test('no file of src is longer than 300 lines', () => {
  const long = files.filter((file) => readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length > 300);
  assert.deepEqual(long, []);
});

test('the environment is read in config.ts alone', () => {
  const reading = files.filter((file) => /process\.env\b/.test(readFileSync(join(root, file), 'utf8')));
  assert.deepEqual(reading, ['config.ts']);
});

function mayImport(from: string, to: string, isType: boolean): boolean {
  const [fromArea, toArea] = [areaOf(from), areaOf(to)];
  if (fromArea === toArea || common.includes(toArea)) return true;
  // A setting with a syntax of its own is read by the one who uses it.
  if (from === 'config-values.ts' && ['egress/allow.ts', 'safety/word-list.ts'].includes(to)) return true;
  if (common.includes(fromArea)) return isType;
  return layerOf(fromArea) <= layerOf(toArea);
}

function areaOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : file.replace(/\.ts$/, '');
}

function layerOf(area: string): number {
  const layer = layers.findIndex((areas) => areas.includes(area));
  assert.notEqual(layer, -1, `${area} has no layer`);
  return layer;
}

function importsOf(file: string): { to: string; isType: boolean }[] {
  const text = readFileSync(join(root, file), 'utf8');
  const pattern = /^(?:import|export) (type )?[^;]*?from '(\.[^']+)';|import\('(\.[^']+)'\)/gms;
  return [...text.matchAll(pattern)]
    .map((match) => ({ to: normalize(join(dirname(file), match[2] ?? match[3]!)), isType: match[1] !== undefined }))
    .filter(({ to }) => !to.startsWith('..'));
}

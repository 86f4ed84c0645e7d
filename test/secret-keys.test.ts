import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { toConfig } from '../src/config.ts';
import { loadSecretKeys } from '../src/secret-keys.ts';

const key = Buffer.alloc(32, 7).toString('base64');

test('SECRET_KEY may name several keys; anything else stops the start', () => {
  const DATABASE_URL = 'mysql://u:p@h:3306/d';
  const keys = loadSecretKeys(
    toConfig({ DATABASE_URL, SECRET_KEY: `${key}, ${Buffer.alloc(32, 8).toString('base64')}` }),
  );
  assert.deepEqual(
    keys.map((each) => each[0]),
    [7, 8],
  );
  for (const SECRET_KEY of ['x', `${key},`, `${key},x`]) {
    assert.throws(() => toConfig({ DATABASE_URL, SECRET_KEY }), /SECRET_KEY: expected 32 bytes in base64/);
  }
});

test('beside SQLite the key is made once, for its owner alone, by however many start at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wxmp-secret-'));
  try {
    const DATABASE_URL = `sqlite:${folder}/data/a.db`;
    const module = new URL('../src/secret-keys.ts', import.meta.url).href;
    const code = `const { parentPort, workerData } = require('node:worker_threads');
      import(workerData.module).then(({ loadSecretKeys }) =>
        parentPort.postMessage(loadSecretKeys({ DATABASE_URL: workerData.url })[0].toString('base64')));`;
    const made = await Promise.all(
      Array.from(
        { length: 4 },
        () =>
          new Promise<string>((resolve, reject) => {
            const worker = new Worker(code, { eval: true, workerData: { module, url: DATABASE_URL } });
            worker.once('message', resolve).once('error', reject);
          }),
      ),
    );
    assert.equal(new Set(made).size, 1);
    const path = `${folder}/data/secret.key`;
    assert.equal((await readFile(path, 'utf8')).trim(), made[0]);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(`${folder}/data`), ['secret.key']);
    await writeFile(path, 'cut o');
    assert.throws(() => loadSecretKeys({ DATABASE_URL, SECRET_KEY: undefined }), /secret\.key to hold 32 bytes/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

import { randomBytes, randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Config, ConfigError } from './config.ts';
import { parseKeys, type SecretKeys } from './config-values.ts';

/**
 * The keys of SECRET_KEY. Without it, those of the file `secret.key` beside SQLite's database, which is made where it is
 * missing: whoever copies the database copies it, too, or loses the secrets.
 */
export function loadSecretKeys({ SECRET_KEY, DATABASE_URL }: Pick<Config, 'SECRET_KEY' | 'DATABASE_URL'>): SecretKeys {
  if (SECRET_KEY !== undefined) return SECRET_KEY;
  const database = DATABASE_URL.slice('sqlite:'.length);
  if (database === ':memory:') return [randomBytes(32)];
  const path = join(dirname(database), 'secret.key');
  const keys = parseKeys(readOrMake(path));
  if (keys === undefined) throw new ConfigError(`SECRET_KEY: expected ${path} to hold 32 bytes in base64`);
  return keys;
}

/** Of processes that start at once one makes the file, whole, and all read it. */
function readOrMake(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw new ConfigError(`SECRET_KEY: expected ${path} to be readable`);
  }
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  try {
    linkSync(draft, path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  } finally {
    unlinkSync(draft);
  }
  return readFileSync(path, 'utf8');
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

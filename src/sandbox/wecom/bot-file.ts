import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../../config.ts';

const schema = z.object({
  /** Ours; empty until the bot is created. */
  integrationId: z.string().default(''),
  /** Where its callbacks go, and where the sandbox is, since the sandbox was started last. */
  callbackUrl: z.string().default(''),
  sandboxUrl: z.string().default(''),
  /** What WeCom's console would show. */
  token: z.string().min(1),
  encodingAesKey: z.string().length(43),
  /** The bot with a long connection; a file of before has none. */
  long: z
    .object({ integrationId: z.string().default(''), botId: z.string().min(1), secret: z.string().min(1) })
    .optional(),
});

/** The sandbox's bots, with their credentials: one that is called, and one with a long connection. */
export type SandboxBot = z.infer<typeof schema>;

/** Where it is kept: beside SQLite's database; with MySQL in ./data. */
export function botFileOf({ DATABASE_URL }: Pick<Config, 'DATABASE_URL'>): string {
  const isFile = DATABASE_URL.startsWith('sqlite:') && DATABASE_URL !== 'sqlite::memory:';
  return join(isFile ? dirname(DATABASE_URL.slice('sqlite:'.length)) : 'data', 'sandbox-bot.json');
}

/** Reads it; undefined: there is none, or nothing that one can talk with. */
export function readBot(path: string): SandboxBot | undefined {
  try {
    return schema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

/** Replaces it as a whole, for its owner's eyes alone. */
export function writeBot(path: string, bot: SandboxBot): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(bot, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}

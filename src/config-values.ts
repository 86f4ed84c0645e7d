/** The kinds of values that settings have: what each may be, and what it is read as. */
import { CronExpressionParser } from 'cron-parser';
import { validate as isCron } from 'node-cron';
import { z } from 'zod';
import { type EgressRule, parseEgressAllow } from './egress/allow.ts';
import { describeError } from './errors.ts';
import { readWordList, type WordList } from './safety/word-list.ts';

/** Where a listener listens. */
export interface Address {
  host: string;
  port: number;
}

export const databaseUrl = z
  .string()
  .refine(
    isDatabaseUrl,
    'expected sqlite:<path> or mysql://user:password@host:port/database (mariadb:// works as well)',
  );

export const address = z.string().transform((text, context): Address => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match && port <= 65535) return { host: match[1] ?? (match[2] === '' ? '0.0.0.0' : match[2]!), port };
  context.addIssue({ code: 'custom', message: 'expected host:port, e.g. 127.0.0.1:8080 or [::1]:8080' });
  return z.NEVER;
});

export const whole = (min: number, max: number, standard: number) =>
  z
    .string()
    .default(String(standard))
    .refine(
      (text) => /^\d{1,12}$/.test(text) && Number(text) >= min && Number(text) <= max,
      `expected a whole number from ${min} to ${max}`,
    )
    .transform(Number);

export const optionalWhole = (min: number, max: number) =>
  z
    .string()
    .optional()
    .refine(
      (text) => text === undefined || (/^\d{1,12}$/.test(text) && Number(text) >= min && Number(text) <= max),
      `expected a whole number from ${min} to ${max}`,
    )
    .transform((text) => (text === undefined ? undefined : Number(text)));

/** The experts whose answers carry the label. */
export const labelled = z
  .string()
  .default('llm')
  .refine((text) => /^(none|(extractive|llm|remote)(,(extractive|llm|remote))*)$/.test(text), {
    message: 'expected none, or some of extractive, llm and remote, separated by commas',
  })
  .transform((text) => text.split(',').filter((name) => name !== 'none'));

/** Hosts divided by commas, as a URL has them: `host` or `host:port`. */
export const hosts = z.string().transform((text, context): string[] => {
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  const isHost = (name: string) =>
    /^([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/.test(name) && URL.canParse(`ws://${name}`);
  if (names.every(isHost)) return names;
  context.addIssue({ code: 'custom', message: 'expected hosts separated by commas, e.g. qyapi.weixin.qq.com' });
  return z.NEVER;
});

/** Keys of 32 bytes in base64, divided by commas. */
export const secretKeys = z.string().transform((text, context): SecretKeys => {
  const keys = parseKeys(text);
  if (keys !== undefined) return keys;
  context.addIssue({
    code: 'custom',
    message: 'expected 32 bytes in base64, or several such keys separated by commas',
  });
  return z.NEVER;
});

/** The first key seals, all of them open. */
export type SecretKeys = [Buffer, ...Buffer[]];

/** 32 bytes in base64; several, divided by commas. Undefined: it is something else. */
export function parseKeys(text: string): SecretKeys | undefined {
  const keys = text.split(',').map((part) => Buffer.from(part.trim(), 'base64'));
  return keys.every((key) => key.length === 32) ? (keys as SecretKeys) : undefined;
}

export const flag = z
  .enum(['true', 'false', '1', '0'])
  .default('false')
  .transform((text) => text === 'true' || text === '1');

export const cron = (standard: string) =>
  z
    .string()
    .default(standard)
    .refine(isValidCron, 'expected a cron expression of 5 or 6 fields, e.g. */5 * * * * * (in Asia/Shanghai)');

export const egressRules = z.string().transform((text, context): EgressRule[] => {
  try {
    return parseEgressAllow(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: describeError(error) });
    return z.NEVER;
  }
});

export const httpUrl = z.string().refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && url.search === '' && url.username === '';
}, 'expected an http or https address without query and password, e.g. https://10.0.0.1:443');

export const wsUrl = z.string().refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^wss?:$/.test(url.protocol) && url.username === '';
}, 'expected a wss or ws address without password, e.g. wss://openws.work.weixin.qq.com');

/** A file of words, which is read. What it holds is never told. */
export const words = z.string().transform((path, context): WordList => {
  try {
    return readWordList(path);
  } catch (error) {
    const [, rule] = describeError(error).split(`${path}: `);
    const expected = rule === undefined ? 'a file that can be read' : `a word or phrase a line; ${rule}`;
    context.addIssue({ code: 'custom', message: `expected ${expected}` });
    return z.NEVER;
  }
});

function isDatabaseUrl(text: string): boolean {
  if (text.startsWith('sqlite:')) return text.length > 'sqlite:'.length;
  if (!/^(mysql|mariadb):\/\//.test(text) || !URL.canParse(text)) return false;
  const url = new URL(text);
  return url.hostname !== '' && url.pathname.length > 1;
}

function isValidCron(expression: string): boolean {
  try {
    CronExpressionParser.parse(expression);
    return isCron(expression);
  } catch {
    return false;
  }
}

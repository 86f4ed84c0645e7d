import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError, settingNames, toConfig } from '../src/config.ts';

/** The variables of .env.example, with the values that stand there. */
const example = new Map(
  readFileSync(join(import.meta.dirname, '../.env.example'), 'utf8')
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line))
    .map((line) => line.split(/=(.*)/s, 2) as [string, string]),
);

const message = (env: Record<string, string>): string => {
  try {
    toConfig(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError, `${JSON.stringify(env)}: ${error}`);
    return error.message;
  }
  return assert.fail(`${JSON.stringify(env)} was taken`);
};

test('.env.example documents each variable that is read, and no other', () => {
  assert.deepEqual([...example.keys()].sort(), [...settingNames].sort());
});

test('what .env.example shows are the defaults', () => {
  const defaults = toConfig({});
  assert.deepEqual(toConfig(Object.fromEntries(example)), defaults);
  for (const [name, value] of example) assert.deepEqual(toConfig({ [name]: value }), defaults, name);
});

test('the defaults are those of the operating contract', () => {
  const { DATABASE_URL, HTTP_ADDR, PUBLIC_ADDR, BIZCOMM_URL, ADMIN_TOKEN, WXMP_TOKEN, ...config } = toConfig({});
  assert.equal(DATABASE_URL, 'sqlite:./data/wxmp-assistant.db');
  assert.deepEqual(HTTP_ADDR, { host: '127.0.0.1', port: 8080 });
  assert.deepEqual(PUBLIC_ADDR, { host: '127.0.0.1', port: 8081 });
  assert.deepEqual([BIZCOMM_URL, ADMIN_TOKEN, WXMP_TOKEN], [undefined, undefined, undefined]);
  assert.equal(config.BIZCOMM_APPNAME, 'wxmp_assistant');
  assert.equal(config.BIZCOMM_REPLY_VERSION, 2);
  assert.equal(config.LEARN_FIRST_ARTICLES, 100);
  assert.deepEqual([config.MESSAGE_RETENTION_DAYS, config.MESSAGE_RETENTION_CONSENT_DAYS], [3, 180]);
  assert.equal(config.MAX_BODY_BYTES, 1024 * 1024);
  assert.equal(config.LOG_LEVEL, 'info');
});

test('an empty variable counts as unset', () => {
  assert.deepEqual(toConfig(Object.fromEntries(settingNames.map((name) => [name, '']))), toConfig({}));
});

/** What may be any text. */
const free = ['ADMIN_TOKEN', 'WXMP_TOKEN', 'BIZCOMM_TLS_SERVERNAME', 'BIZCOMM_APPNAME'].concat(
  ...[
    'TEXT_REFUSAL',
    'TEXT_STILL_LEARNING',
    'TEXT_VOICE_UNSUPPORTED',
    'TEXT_FAILED',
    'TEXT_BLOCKED',
    'TEXT_PLEASE_WAIT',
    'TEXT_LABEL',
    'LLM_API_KEY',
    'LLM_MODEL',
    'ASR_MODEL',
    'MODERATION_MODEL',
  ],
);

test('nonsense in a variable is refused with its name and what was expected, never its value', () => {
  for (const name of settingNames.filter((each) => !free.includes(each))) {
    const text = message({ [name]: 'n0nsense!' });
    assert.match(text, new RegExp(`^${name}: expected .{5,}`), name);
    assert.doesNotMatch(text, /n0nsense|undefined|\n/);
  }
});

const bad: Record<string, string[]> = {
  DATABASE_URL: [
    'sqlite:',
    'postgres://user:s3cret@host/db',
    'mysql://user:s3cret@host',
    'mysql://s3cret',
    '/tmp/s3cret.db',
  ],
  HTTP_ADDR: [
    '8080',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.1:x',
    '::1:8080',
    'a b:1',
    'http://127.0.0.1:1',
  ],
  DATABASE_POOL_SIZE: ['0', '201', '-1', '1.5', '1e2', '0x10', ' 5', '5s', '9999999999999'],
  QUERY_TIMEOUT_MS: ['99', '60001'],
  MAX_BODY_BYTES: ['1023', '1MiB'],
  SECRET_KEY: ['c2hvcnQ=', 's3cret', 'a'.repeat(64)],
  BIZCOMM_URL: [
    ...['10.0.0.1:443', 'ftp://10.0.0.1', 'https://user:s3cret@10.0.0.1', 'https://10.0.0.1/?key=s3cret', ','],
    ...['https://10.0.0.1,nope', 'https://10.0.0.1,,https://10.0.0.2'],
  ],
  BIZCOMM_CA_FILE: ['/no/such/s3cret.pem', '/'],
  SAFETY_WORDS_FILE: ['/no/such/s3cret.txt', '/', '/bin/sh'],
  BIZCOMM_REPLY_VERSION: ['0', '3', 'v2'],
  LEARN_PAID_ARTICLES: ['yes', 'TRUE', '2'],
  LLM_DAILY_TOKENS: ['0', '-1', '1.5', '1e6'],
  LLM_BASE_URL: ['llm.internal/v1', 'ftp://llm.internal', 'https://user:s3cret@llm.internal/v1'],
  ANSWER_THRESHOLD: ['-0.1', '1.1', '.5', 'half'],
  TEXT_LANGUAGE: ['fr', 'zh-CN'],
  LABELLED_EXPERTS: ['all', 'llm,', 'none,llm', 'LLM', 'llm remote'],
  TEXT_REFUSAL: ['x'.repeat(2001)],
  LOG_LEVEL: ['verbose', 'INFO'],
  DISPATCH_CRON: ['* * *', '61 * * * *', 'every minute', '* * * * * * *', '*/0 * * * *'],
  LEASE_SECONDS: ['0', '15'],
};

for (const [name, values] of Object.entries(bad)) {
  test(`${name} is refused where it is out of what is expected, without being told`, () => {
    for (const value of values) {
      const text = message({ [name]: value });
      assert.match(text, new RegExp(`^${name}: expected `), value);
      assert.doesNotMatch(text, /s3cret|\n/);
    }
  });
}

test('with MySQL a SECRET_KEY is required', () => {
  const DATABASE_URL = 'mysql://root:s3cret@127.0.0.1:3306/wxmp';
  assert.match(message({ DATABASE_URL }), /^SECRET_KEY: required with MySQL/);
  assert.match(message({ DATABASE_URL: DATABASE_URL.replace('mysql', 'mariadb') }), /^SECRET_KEY: /);
  assert.equal(
    toConfig({ DATABASE_URL, SECRET_KEY: Buffer.alloc(32, 7).toString('base64') }).DATABASE_URL,
    DATABASE_URL,
  );
});

test('good values of each form are taken', () => {
  const config = toConfig({
    HTTP_ADDR: '[::1]:0',
    PUBLIC_ADDR: ':8081',
    BIZCOMM_URL: 'https://10.0.0.1:443/, http://wechat.internal/base/',
    LEARN_PAID_ARTICLES: '1',
    ANSWER_THRESHOLD: '0.25',
    SYNC_CRON: '0 3 * * 1-5',
    BIZCOMM_REPLY_VERSION: '1',
  });
  assert.deepEqual(config.HTTP_ADDR, { host: '::1', port: 0 });
  assert.deepEqual(config.PUBLIC_ADDR, { host: '0.0.0.0', port: 8081 });
  assert.deepEqual(config.BIZCOMM_URL, ['https://10.0.0.1:443', 'http://wechat.internal/base']);
  assert.equal(config.LEARN_PAID_ARTICLES, true);
  assert.equal(config.ANSWER_THRESHOLD, 0.25);
  assert.equal(config.BIZCOMM_REPLY_VERSION, 1);
});

test('a lease has to outlast a send and its record', () => {
  assert.match(message({ BIZCOMM_TIMEOUT_MS: '60000' }), /^LEASE_SECONDS: expected at least 78: /);
  assert.equal(toConfig({ BIZCOMM_TIMEOUT_MS: '60000', LEASE_SECONDS: '78' }).LEASE_SECONDS, 78);
});

test('the settings of models are whole: an endpoint with a model, and time left for the answer in its place', () => {
  const LLM_BASE_URL = 'https://llm.internal/v1';
  assert.match(message({ LLM_BASE_URL }), /^LLM_MODEL: expected /);
  assert.match(message({ LLM_MODEL: 'm' }), /^LLM_BASE_URL: expected /);
  assert.match(message({ ASR_MODEL: 'm' }), /^ASR_BASE_URL: expected /);
  assert.match(message({ MODERATION_MODEL: 'm' }), /^MODERATION_BASE_URL: expected /);
  assert.match(message({ MODERATION_BASE_URL: LLM_BASE_URL }), /^MODERATION_MODEL: expected /);
  assert.match(message({ LLM_BASE_URL, LLM_MODEL: 'm', LLM_TIMEOUT_MS: '25001' }), /^LLM_TIMEOUT_MS: expected at most/);
  assert.equal(toConfig({ LLM_BASE_URL, LLM_MODEL: 'm', LLM_TIMEOUT_MS: '25000' }).LLM_MODEL, 'm');
  assert.equal(toConfig({ LLM_BASE_URL, ASR_MODEL: 'm', ANSWER_TIMEOUT_MS: '6000' }).LLM_MODEL, undefined);
});

test('without ADMIN_TOKEN the calls of operators are on loopback addresses only', () => {
  const isOn = (HTTP_ADDR: string, more = {}) => toConfig({ HTTP_ADDR, ...more }).adminEnabled;
  for (const own of ['127.0.0.1:1', '127.8.9.10:1', 'localhost:1', '[::1]:1']) assert.equal(isOn(own), true, own);
  const others = ['0.0.0.0:1', ':1', '[::]:1', '10.0.0.1:1', '127.0.0.1.example.com:1', 'localhost.example.com:1'];
  for (const other of others) {
    assert.equal(isOn(other), false, other);
    assert.equal(isOn(other, { ADMIN_TOKEN: 't' }), true, other);
  }
});

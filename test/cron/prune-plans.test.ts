import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '../../src/db/database.ts';
import type { Binding } from '../../src/db/session.ts';
import { eachDatabase } from '../support/databases.ts';
import { makeHistory } from '../support/old-rows.ts';
import { runPrune } from '../support/pruning.ts';
import { createRandom } from '../support/random.ts';

/** Rows that stay, per table, so that reading a table from end to end would be the worse plan. */
const young = 1200;

const dayMs = 24 * 60 * 60 * 1000;

eachDatabase((dialect, open) => {
  test(`every statement of the job finds its rows by an index, on ${dialect}`, async (t) => {
    const database = await open();
    const random = createRandom();
    t.diagnostic(`seed ${random.seed}`);
    const [row] = await database.all<{ now: number }>(`select ${database.dialect.now} now`);
    const history = makeHistory(random, row!.now);
    for (const { table, row: old } of history.rows) await database.insert(table, [old]);
    await fillYoung(database, row!.now);
    const analysed = ['message', 'conversation', 'dispatch', 'lane', 'article_event', 'document', 'assistant', 'audit'];
    for (const table of analysed) {
      await database.all(dialect === 'mysql' ? `analyze table ${table}` : `analyze ${table}`);
    }
    const seen = new Map<string, readonly Binding[]>();
    await runPrune(recorded(database, seen));
    assert.ok(seen.size > 30, `${seen.size} statements`);
    const bad: string[] = [];
    for (const [sql, bindings] of seen) {
      for (const plan of await explain(database, sql, bindings)) bad.push(`${plan}: ${sql.replace(/\s+/g, ' ')}`);
    }
    assert.deepEqual(bad, []);
  });
});

/** Notes every statement on rows once, with its values. */
function recorded(database: Database, seen: Map<string, readonly Binding[]>): Database {
  const note = (sql: string, bindings: readonly Binding[] = []) => {
    if (/^\s*(select|delete|update)\b/i.test(sql)) seen.set(sql.replace(/(\?, )+\?/g, '?'), bindings);
  };
  const listening = <S extends Pick<Database, 'all' | 'run'>>(session: S): S => ({
    ...session,
    all: (sql: string, bindings?: readonly Binding[]) => {
      note(sql, bindings);
      return session.all(sql, bindings) as never;
    },
    run: (sql: string, bindings?: readonly Binding[]) => {
      note(sql, bindings);
      return session.run(sql, bindings);
    },
  });
  return { ...listening(database), tx: (work, options) => database.tx((tx) => work(listening(tx)), options) };
}

/** Parts of a statement's plan that read a table from end to end. */
async function explain(database: Database, sql: string, values: readonly Binding[]): Promise<string[]> {
  // Lists were cut down to one value each.
  const bindings = Array.from({ length: sql.split('?').length - 1 }, (_, at) => values[at] ?? 0);
  if (database.dialect.name === 'sqlite') {
    const rows = await database.all<{ detail: string }>(`explain query plan ${sql}`, bindings);
    return rows.map(({ detail }) => detail).filter((detail) => /^SCAN (?!CONSTANT)/.test(detail));
  }
  const rows = await database.all<{ table: string; type: string; key: string | null; rows: number }>(
    `explain ${sql}`,
    bindings,
  );
  return rows
    .filter(({ type, rows: read }) => (type === 'ALL' || type === 'index') && read > young / 4)
    .map(({ table, type, key }) => `${type} of ${table} by ${key}`);
}

/** Rows of accounts that are in use: what a run of the job must pass over without reading it. */
async function fillYoung(database: Database, now: number): Promise<void> {
  const times = { created_at: now - dayMs, updated_at: now - dayMs };
  const appidOf = (n: number) => `wx_young_${n % 200}`;
  const rows: Record<string, (n: number) => Record<string, Binding>> = {
    message: (n) => ({
      ...{ message_id: `y${n}`, conversation_id: `y${n % 1000}`, appid: appidOf(n), channel: 'live', msgid: `y${n}` },
      ...{ openid: 'u', message_index: n, speaker: 'user', msg_type: 'text', content: 'x', state: 'answered' },
      created_at: now - dayMs,
    }),
    conversation: (n) => ({ conversation_id: `y${n}`, appid: appidOf(n), scope_key: `y${n}`, updated_at: now - dayMs }),
    explanation: (n) => ({ message_id: `y${n}`, body: '{}', created_at: now }),
    reply: (n) => ({
      ...{ reply_id: `y${n}`, conversation_id: `y${n}`, message_id: `y${n}`, route: '', state: 'open', snapshot: '' },
      ...{ closes_at: now, created_at: now },
    }),
    dispatch: (n) => ({
      ...{ dispatch_id: `y${n}`, lane_id: `y${n % 1000}`, sequence: n, dedupe_key: `y${n}`, kind: 'x' },
      ...{ appid: appidOf(n), message_id: `y${n}`, payload: '', state: n % 2 === 0 ? 'delivered' : 'pending' },
      ...{ expires_at: now, created_at: now, settled_at: n % 2 === 0 ? now : null },
    }),
    dispatch_attempt: (n) => ({
      ...{ dispatch_id: `y${n}`, attempt: 1, outcome: 'x', kind: 'x', route: 'first', started_at: 1, ended_at: 1 },
    }),
    lane: (n) => ({ lane_id: `y${n}`, appid: appidOf(n) }),
    article_event: (n) => ({
      ...{ appid: appidOf(n), event_id: `y${n}`, knowledge_id: `y${n % 200}`, sequence: n, document_key: `y${n}` },
      ...{ event_type: 5, payload: '{}', payload_hash: '', state: 'done', created_at: now },
    }),
    document: (n) => ({
      ...{ document_id: `y${n}`, knowledge_id: `y${n % 200}`, appid: appidOf(n), source_key: `y${n}`, title: '' },
      ...{ url: '', file_type: 'HTML', state: 5, ...times },
    }),
    passage: (n) => ({ base_no: 1_000_000 + (n % 200), ordinal: n, document_id: `y${n}`, heading: '', text: '' }),
    index_block: (n) => ({ base_no: 1_000_000, generation: 1, term: n, block: 1, data: new Uint8Array([1]) }),
    index_base: (n) => ({ base_no: 1_000_000 + n, generation: 1, tokenizer_version: 9 }),
    article_ban: (n) => ({ knowledge_id: `y${n % 200}`, article_id: `y${n}`, msgidx: 1, hidden: 1 }),
    knowledge: (n) => ({
      knowledge_id: `y${n}`,
      appid: appidOf(n),
      base_no: 1_000_000 + n,
      type: 1,
      name: '',
      ...times,
    }),
    learning: (n) => ({ knowledge_id: `y${n}`, appid: appidOf(n), phase: 'idle' }),
    assistant: (n) => ({ appid: `wx_young_${n}`, incarnation: 1, ...times }),
    assistant_config: (n) => ({ appid: `wx_young_${n}`, view: 'online', name: '', description: '', system_prompt: '' }),
    binding: (n) => ({ appid: `wx_young_${n}`, view: 'online', knowledge_id: `y${n}` }),
    token_use: (n) => ({ appid: `wx_young_${n}`, day: Math.floor(now / dayMs), tokens: 1 }),
    audit: (n) => ({ id: `y${n}`, at: now, actor: '', action: '', target: '', reason: '', detail: '' }),
  };
  for (const [table, toRow] of Object.entries(rows)) {
    await database.tx(async (tx) => {
      for (let from = 0; from < young; from += 80) {
        await tx.insert(
          table,
          Array.from({ length: 80 }, (_, n) => toRow(from + n)),
        );
      }
    });
  }
}

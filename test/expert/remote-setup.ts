import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import type { Answer, ExpertEvent, Found, Question } from '../../src/expert/expert.ts';
import { createExtractiveExpert } from '../../src/expert/extractive.ts';
import { createRemoteExperts, type RemoteOptions } from '../../src/expert/remote/remote.ts';
import { found } from './llm-setup.ts';

/** Remote experts that end with the test, and what became of their answers. */
export function makeRemote(t: TestContext, options: Partial<RemoteOptions> = {}) {
  const reasons: string[] = [];
  const experts = createRemoteExperts({
    ...{ threshold: 0.5, fallback: createExtractiveExpert({ threshold: 0.5 }), timeoutMs: 20_000 },
    onFallback: (reason) => reasons.push(reason),
    ...options,
  });
  t.after(() => experts.close());

  const stream = (address: string, asked: Asked = {}) => {
    const { question = {}, signal = AbortSignal.timeout(60_000), result = found, timeoutMs = 0 } = asked;
    const whole = { text: '水母几点吃饭？', history: [], instructions: '', ...question };
    return experts.at(address, timeoutMs).answer(whole, async () => result, signal);
  };
  const ask = async (address: string, asked: Asked = {}) => {
    const events = await Array.fromAsync<ExpertEvent>(stream(address, asked));
    const last = events.at(-1);
    assert.ok(last?.type === 'final');
    assert.equal(events.filter(({ type }) => type === 'final').length, 1);
    return { answer: last.answer, drafts: events.flatMap((event) => (event.type === 'draft' ? [event.text] : [])) };
  };
  return { experts, reasons, stream, ask };
}

export interface Asked {
  question?: Partial<Question>;
  signal?: AbortSignal;
  result?: Found;
  timeoutMs?: number;
}

/** Checks that the extractive expert answered, and why. */
export function assertFellBack(answer: Answer, reason: string | RegExp): void {
  assert.match(answer.trace.fellBack ?? 'it did not', typeof reason === 'string' ? literal(reason) : reason);
  assert.equal(answer.trace.expert, 'extractive');
  assert.match(answer.text, /水母每天十点吃饭。/);
  assert.equal(answer.citations[0]?.documentId, 'a');
  assert.equal(answer.refused, false);
}

const literal = (text: string) => new RegExp(`^${RegExp.escape(text)}$`);

/** The example engine in a process of its own. */
export async function spawnExample(t: TestContext, { port = 0, draftEveryMs = 0 } = {}) {
  const file = join(import.meta.dirname, '../support/remote-expert-server.ts');
  const child = spawn(process.execPath, [file, String(port)], {
    env: { PATH: process.env.PATH, DRAFT_EVERY_MS: String(draftEveryMs) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  t.after(kill);
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { url, port: Number(new URL(url).port), kill };
}

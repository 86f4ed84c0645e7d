import { randomBytes } from 'node:crypto';
import { ulid } from 'ulid';
import type { Session } from '../db/session.ts';
import { createIndexBase } from '../retrieval/index-passages.ts';
import { bindEverywhere } from './binding.ts';

/**
 * Makes the base of an account's articles, of which it has one. With a WeChat side the first learning is due at once;
 * without one there is nothing to learn, so it is done.
 */
export async function openArticleBase(tx: Session, appid: string, { learns }: { learns: boolean }): Promise<string> {
  return openBase(tx, { appid, type: 1, name: '', phase: learns ? 'first' : 'idle' });
}

/** Makes a base of files, and binds it to both configurations. */
export async function openFileBase(tx: Session, appid: string, name: string): Promise<string> {
  const knowledgeId = await openBase(tx, { appid, type: 2, name, phase: 'idle' });
  await bindEverywhere(tx, appid, knowledgeId);
  return knowledgeId;
}

interface NewBase {
  appid: string;
  type: 1 | 2;
  name: string;
  phase: 'first' | 'idle';
}

async function openBase(tx: Session, { appid, type, name, phase }: NewBase): Promise<string> {
  const { now } = tx.dialect;
  const knowledgeId = `kb_${ulid()}`;
  const baseNo = randomBaseNo();
  await tx.run(
    `insert into knowledge (knowledge_id, appid, base_no, type, name, created_at, updated_at)
      values (?, ?, ?, ?, ?, ${now}, ${now})`,
    [knowledgeId, appid, baseNo, type, name],
  );
  await tx.run(
    `insert into learning (knowledge_id, appid, type, phase, finished_phase, due_at)
      values (?, ?, ?, ?, ?, ${phase === 'idle' ? 'null' : now})`,
    [knowledgeId, appid, type, phase, phase === 'idle' ? 'first' : null],
  );
  await createIndexBase(tx, baseNo);
  return knowledgeId;
}

/** 52 random bits: short in the index, and unique without a counter that all replicas would have to share. */
function randomBaseNo(): number {
  return Number(BigInt.asUintN(52, randomBytes(8).readBigUInt64BE()));
}

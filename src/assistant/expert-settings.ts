import { ExpertKind } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { Session } from '../db/session.ts';
import type { View } from './store.ts';

/** What answers a configuration's questions, and how. */
export interface ExpertSettings {
  kind: ExpertKind;
  /** Of the remote engine; empty for the others. */
  address: string;
  /** For the remote engine; 0: as long as the installation allows. */
  timeoutMs: number;
  /** Undefined: the installation's. */
  threshold: number | undefined;
}

/** What a new assistant has. */
export const defaultExpert: ExpertSettings = {
  kind: ExpertKind.UNSPECIFIED,
  address: '',
  timeoutMs: 0,
  threshold: undefined,
};

/** By the primary key. The configuration exists: it was saved when the assistant was created. */
export async function saveExpert(tx: Session, appid: string, view: View, expert: ExpertSettings): Promise<void> {
  const { kind, address, timeoutMs, threshold } = expert;
  await tx.run(
    `update assistant_config set expert_kind = ?, expert_address = ?, expert_timeout_ms = ?, expert_threshold = ?
      where appid = ? and view = ?`,
    [kind, address, timeoutMs, threshold ?? null, appid, view],
  );
}

/** By the primary key. */
export async function loadExpert(session: Session, appid: string, view: View): Promise<ExpertSettings> {
  const [row] = await session.all<{ kind: number; address: string; timeout_ms: number; threshold: number | null }>(
    `select expert_kind kind, expert_address address, expert_timeout_ms timeout_ms, expert_threshold threshold
       from assistant_config where appid = ? and view = ?`,
    [appid, view],
  );
  if (row === undefined) return defaultExpert;
  return {
    kind: row.kind as ExpertKind,
    address: row.address,
    timeoutMs: row.timeout_ms,
    threshold: row.threshold ?? undefined,
  };
}

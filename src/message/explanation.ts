import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ExplanationSchema } from '../../gen/wxmp/message/v1/message_pb.ts';
import type { Session } from '../db/session.ts';
import type { Tx } from '../db/tx.ts';
import type { Citation, Source } from '../expert/expert.ts';
import type { Composed } from './compose-answer.ts';

/** What is stored of why a message was answered as it was: the passages as they were then. */
export type StoredExplanation = Pick<Composed, 'citations' | 'trace' | 'refused' | 'fixedText' | 'blockedBy'>;

export async function saveExplanation(tx: Tx, messageId: string, composed: Composed): Promise<void> {
  const { citations, trace, refused, fixedText, blockedBy } = composed;
  const body: StoredExplanation = { citations, trace, refused, fixedText, blockedBy };
  await tx.run(`insert into explanation (message_id, body, created_at) values (?, ?, ${tx.dialect.now})`, [
    messageId,
    JSON.stringify(body),
  ]);
}

export async function loadExplanation(session: Session, messageId: string): Promise<StoredExplanation | undefined> {
  const [row] = await session.all<{ body: string }>('select body from explanation where message_id = ?', [messageId]);
  return row && (JSON.parse(row.body) as StoredExplanation);
}

/** The explanation as the contract has it. */
export function toExplanation({
  trace,
  refused,
  fixedText,
  blockedBy,
}: StoredExplanation): MessageInitShape<typeof ExplanationSchema> {
  return {
    expert: trace?.expert ?? 'none',
    searched: trace?.searched ?? '',
    support: trace?.support ?? 0,
    threshold: trace?.threshold ?? 0,
    refused,
    passages: (trace?.passages ?? []).map(({ source, page, heading, text, score, cited }) => ({
      source: toCitation(source),
      page: page ?? 0,
      heading,
      text,
      score,
      cited,
    })),
    fixedText: fixedText ?? '',
    model: trace?.model ?? '',
    promptTokens: trace?.tokens?.prompt ?? 0,
    completionTokens: trace?.tokens?.completion ?? 0,
    fellBack: trace?.fellBack ?? '',
    dropped: trace?.dropped ?? [],
    blockedBy: blockedBy ?? '',
  };
}

/** A citation as the contract has it; of a passage's source, without places. */
export function toCitation({ documentId, title, url, places = [] }: Source & Partial<Citation>) {
  return { documentId, title, url, places: places.map(({ page = 0, heading }) => ({ page, heading })) };
}

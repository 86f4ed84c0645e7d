/** How much an account's files may take up: see QUOTA_FILES, QUOTA_FILE_BYTES and QUOTA_PASSAGES in .env.example. */
import type { Config } from '../config.ts';
import type { Session } from '../db/session.ts';
import { quotaRetrySeconds, tooMuch } from '../errors.ts';

/** Refuses one file more than an account may have. Under the lock of the account's assistant. */
export async function requireRoomForFile(tx: Session, appid: string, { QUOTA_FILES }: Config): Promise<void> {
  const { files } = await loadUsage(tx, appid, '');
  if (files >= QUOTA_FILES) {
    throw tooMuch(`the account has ${QUOTA_FILES} files, which is as many as it may have`, quotaRetrySeconds);
  }
}

/**
 * Sets aside what a file is going to take up, under the lock of the account's assistant; returns why not, when it
 * would be more than the account may have.
 */
export async function reserve(
  tx: Session,
  { appid, documentId, bytes, passages }: { appid: string; documentId: string; bytes: number; passages: number },
  { QUOTA_FILE_BYTES, QUOTA_PASSAGES }: Config,
): Promise<string | undefined> {
  const used = await loadUsage(tx, appid, documentId);
  if (used.bytes + bytes > QUOTA_FILE_BYTES) return `the account's files may have ${QUOTA_FILE_BYTES} bytes in all`;
  if (used.passages + passages > QUOTA_PASSAGES)
    return `the account's files may have ${QUOTA_PASSAGES} passages in all`;
  await tx.run('update document set bytes = ?, passages = ? where document_id = ?', [bytes, passages, documentId]);
  return undefined;
}

interface Usage {
  files: number;
  bytes: number;
  passages: number;
}

/**
 * What an account's files take up, the one named and those whose deletion was accepted left out. By knowledge_by_appid
 * and document_by_source.
 */
async function loadUsage(session: Session, appid: string, exceptDocumentId: string): Promise<Usage> {
  const [row] = await session.all<{ files: number; bytes: number | string | null; passages: number | string | null }>(
    `select count(*) files, sum(d.bytes) bytes, sum(d.passages) passages
      from knowledge k join document d on d.knowledge_id = k.knowledge_id
      where k.appid = ? and k.type = 2 and k.deleted_at is null
        and d.state <> 8 and d.withdrawn_by = 0 and d.document_id <> ?`,
    [appid, exceptDocumentId],
  );
  // MySQL sums integers to decimals, which arrive as text.
  return { files: row!.files, bytes: Number(row!.bytes ?? 0), passages: Number(row!.passages ?? 0) };
}

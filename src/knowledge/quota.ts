/** How much an account's files may take up: see QUOTA_FILES, QUOTA_FILE_BYTES and QUOTA_PASSAGES in .env.example. */
import type { Config } from '../config.ts';
import type { Session } from '../db/session.ts';
import { AppError } from '../errors.ts';

/** Refuses one file more than an account may have. Under the lock of the account's assistant. */
export async function requireRoomForFile(tx: Session, appid: string, { QUOTA_FILES }: Config): Promise<void> {
  const { files } = await loadUsage(tx, appid, '');
  if (files >= QUOTA_FILES) {
    throw new AppError('TOO_MUCH', `the account has ${QUOTA_FILES} files, which is as many as it may have`);
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

/** What an account's files take up, those that were deleted and the one named left out. By document_by_appid. */
async function loadUsage(session: Session, appid: string, exceptDocumentId: string): Promise<Usage> {
  const [row] = await session.all<{ files: number; bytes: number | string | null; passages: number | string | null }>(
    `select count(*) files, sum(bytes) bytes, sum(passages) passages from document
      where appid = ? and state <> 8 and file_id is not null and document_id <> ?`,
    [appid, exceptDocumentId],
  );
  // MySQL sums integers to decimals, which arrive as text.
  return { files: row!.files, bytes: Number(row!.bytes ?? 0), passages: Number(row!.passages ?? 0) };
}

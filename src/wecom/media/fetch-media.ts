import type { Context } from '../../context.ts';
import { type Fetched, type FileText, openLink, type PendingAttachment } from '../../message/attachment/store.ts';
import type { ParsedDocument } from '../../parsing/parser.ts';
import { openMedia, readAesKey, Unreadable } from '../crypto.ts';
import { loadCredentials } from '../integration/store.ts';
import { checkLink } from './check-link.ts';
import { detectImage } from './detect-image.ts';
import { readFileName } from './read-disposition.ts';

const maxImageBytes = 10 * 1024 * 1024;

/** The padding adds as much at most. */
const maxPaddingBytes = 32;

/** Of a file, so much is read to experts. */
const maxFileChars = 20_000;

/**
 * Fetches a picture or a file, decrypts it and reads it. Throws a CallError where it can't be fetched now or ever, and
 * what the safety checks throw; what is here and is of no use is `failed`.
 */
export async function fetchMedia(context: Context, media: PendingAttachment, signal: AbortSignal): Promise<Fetched> {
  const { config, database, downloader, sealer } = context;
  const { url, aeskey } = openLink(sealer, media);
  checkLink(url, config.EGRESS_ALLOW);
  const limitBytes = media.kind === 'image' ? maxImageBytes : config.MAX_FILE_BYTES;
  const { bytes: encrypted, disposition } = await downloader.download(url, signal, limitBytes + maxPaddingBytes);
  context.reached('media.downloaded');
  const key = aeskey ?? (await loadCredentials(database, sealer, media.integrationId)).encodingAesKey;
  const bytes = open(key, encrypted);
  if (typeof bytes === 'string') return { kind: 'failed', reason: bytes };
  if (bytes.length > limitBytes) return { kind: 'failed', reason: `it is larger than ${limitBytes} bytes` };
  const name = readFileName(disposition);
  return media.kind === 'image' ? readImage(name, bytes) : readFile(context, name, bytes, signal);
}

function open(key: string, encrypted: Uint8Array): Uint8Array<ArrayBuffer> | string {
  try {
    return openMedia(readAesKey(key), encrypted) as Uint8Array<ArrayBuffer>;
  } catch (error) {
    if (error instanceof Unreadable) return `it is ${error.message}`;
    throw error;
  }
}

function readImage(name: string, bytes: Uint8Array): Fetched {
  const mediaType = detectImage(bytes);
  if (mediaType === undefined) return { kind: 'failed', reason: 'it is no PNG, JPEG, GIF or WebP picture' };
  return { kind: 'image', name, mediaType, bytes };
}

async function readFile(
  { parser, guard, metrics }: Context,
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Promise<Fetched> {
  const endTimer = metrics.parseSeconds.startTimer();
  const parsed = await parser.parse(bytes, signal);
  endTimer();
  if (parsed.kind === 'unreadable') return { kind: 'failed', reason: parsed.reason };
  const text = beginningOf(parsed);
  const flagged = await guard?.checkAll(
    [...text.passages.map((each) => `${each.heading}\n${each.text}`), name],
    signal,
  );
  if (flagged !== undefined) return { kind: 'failed', reason: `withheld by the safety checks: ${flagged.reason}` };
  return { kind: 'file', name: name || `file.${parsed.fileType.toLowerCase()}`, text };
}

/** As many whole passages as fit, and how much is left out. */
function beginningOf({ passages }: ParsedDocument): FileText {
  const kept: ParsedDocument['passages'] = [];
  let leftChars = maxFileChars;
  let leftOutChars = 0;
  for (const passage of passages) {
    leftChars -= passage.heading.length + passage.text.length;
    if (leftChars >= 0) kept.push(passage);
    else leftOutChars += passage.text.length;
  }
  return { passages: kept, leftOutChars };
}

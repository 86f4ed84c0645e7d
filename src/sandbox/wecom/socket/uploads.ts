/** Files that bots upload, in chunks. What is kept of one that is complete is what it was, not its bytes. */
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { keepIn } from '../keep-in.ts';
import { readBody } from './read-body.ts';
import { codes, Refused } from './refused.ts';

const mebibyte = 1024 * 1024;
/** So many bytes at most, of each type. */
const maxBytesOf = { image: 10 * mebibyte, voice: 2 * mebibyte, video: 10 * mebibyte, file: 20 * mebibyte };
const minBytes = 5;
const maxChunkBytes = 512 * 1024;
const maxFilenameBytes = 256;
const sessionMs = 30 * 60_000;
const mediaMs = 3 * 24 * 60 * 60_000;
const minuteMs = 60_000;
const mostInMinute = 30;
const mostInHour = 1000;
/** Under way at once, of all bots; the oldest is forgotten. */
const maxUploads = 8;
const maxMedia = 1000;
const maxBots = 2000;

const initSchema = z.object({
  type: z.enum(['image', 'voice', 'video', 'file']),
  filename: z.string().min(1),
  total_size: z.number().int().min(minBytes),
  total_chunks: z.number().int().min(1).max(100),
  md5: z
    .string()
    .regex(/^[0-9a-f]{32}$/i)
    .optional(),
});

const chunkSchema = z.object({
  upload_id: z.string(),
  chunk_index: z.number().int().min(0),
  base64_data: z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/),
});

const finishSchema = z.object({ upload_id: z.string() });

interface Upload extends z.infer<typeof initSchema> {
  botId: string;
  startedMs: number;
  chunks: Map<number, Buffer>;
}

/** A file that was uploaded. */
export interface Media {
  botId: string;
  type: keyof typeof maxBytesOf;
  filename: string;
  bytes: number;
  madeMs: number;
}

export interface Uploads {
  /** Each returns the body of the acknowledgement, and throws a Refused. */
  init(botId: string, body: unknown): object;
  chunk(botId: string, body: unknown): object;
  finish(botId: string, body: unknown): object;
  /** What a media_id of a bot is. Throws a Refused where it is none of this type. */
  find(botId: string, mediaId: string, type: string): Media;
}

export function createUploads(nowMs: () => number): Uploads {
  const uploads = new Map<string, Upload>();
  const media = new Map<string, Media>();
  /** When each bot has begun one, for an hour. */
  const begun = new Map<string, number[]>();

  function count(botId: string): void {
    const now = nowMs();
    const times = (begun.get(botId) ?? []).filter((timeMs) => now - timeMs < 60 * minuteMs);
    if (times.filter((timeMs) => now - timeMs < minuteMs).length >= mostInMinute || times.length >= mostInHour) {
      throw new Refused(codes.tooOften, 'api freq out of limit');
    }
    keepIn(begun, botId, [...times, now], maxBots);
  }

  function findUpload(botId: string, uploadId: string): Upload {
    const upload = uploads.get(uploadId);
    if (upload === undefined || upload.botId !== botId || nowMs() - upload.startedMs > sessionMs) {
      throw new Refused(codes.badMedia, 'invalid upload_id');
    }
    return upload;
  }

  return {
    init(botId, body) {
      const init = readBody(initSchema, body);
      const { type, filename, total_size: size, total_chunks: chunks } = init;
      check(size <= maxBytesOf[type], `total_size: a ${type} has at most ${maxBytesOf[type]} bytes`);
      check(size <= chunks * maxChunkBytes && size >= chunks, 'total_chunks: does not fit total_size');
      check(Buffer.byteLength(filename) <= maxFilenameBytes, 'filename: too long');
      count(botId);
      const uploadId = randomBytes(16).toString('hex');
      keepIn(uploads, uploadId, { ...init, botId, startedMs: nowMs(), chunks: new Map() }, maxUploads);
      return { upload_id: uploadId };
    },
    chunk(botId, body) {
      const { upload_id: uploadId, chunk_index: index, base64_data: data } = readBody(chunkSchema, body);
      const { chunks, total_chunks: total } = findUpload(botId, uploadId);
      const bytes = Buffer.from(data, 'base64');
      check(index < total, `chunk_index: from 0 to ${total - 1}`);
      check(bytes.length <= maxChunkBytes, `base64_data: at most ${maxChunkBytes} bytes in a chunk`);
      if (!chunks.has(index)) chunks.set(index, bytes);
      return {};
    },
    finish(botId, body) {
      const { upload_id: uploadId } = readBody(finishSchema, body);
      const { type, filename, md5, chunks, total_chunks: total, total_size: size } = findUpload(botId, uploadId);
      check(chunks.size === total, `${total - chunks.size} of ${total} chunks are missing`);
      const bytes = Buffer.concat([...chunks].sort(([a], [b]) => a - b).map(([, chunk]) => chunk));
      check(bytes.length === size, `total_size: ${bytes.length} bytes have come`);
      const isSame = md5 === undefined || createHash('md5').update(bytes).digest('hex') === md5.toLowerCase();
      check(isSame, 'md5: that of what has come is another');
      uploads.delete(uploadId);
      const mediaId = randomBytes(16).toString('hex');
      keepIn(media, mediaId, { botId, type, filename, bytes: size, madeMs: nowMs() }, maxMedia);
      return { type, media_id: mediaId, created_at: String(Math.floor(nowMs() / 1000)) };
    },
    find(botId, mediaId, type) {
      const found = media.get(mediaId);
      const isKnown = found?.botId === botId && found.type === type && nowMs() - found.madeMs <= mediaMs;
      if (!isKnown) throw new Refused(codes.badMedia, 'invalid media_id');
      return found;
    },
  };
}

function check(isRight: boolean, message: string): void {
  if (!isRight) throw new Refused(codes.badParameter, message);
}

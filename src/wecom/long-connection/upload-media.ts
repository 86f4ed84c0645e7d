import { createHash } from 'node:crypto';
import { ulid } from 'ulid';
import { z } from 'zod';
import { CallError } from '../../errors.ts';
import { type LiveBot, post } from './live-bot.ts';

/** Before base64. */
const chunkBytes = 512 * 1024;

const begun = z.object({ upload_id: z.string().min(1).max(256) });
const finished = z.object({ media_id: z.string().min(1).max(512) });

/** Uploads a picture, a chunk after another, and returns the media_id by which it can be sent for three days. */
export async function uploadImage(
  bot: LiveBot,
  { name, bytes }: { name: string; bytes: Uint8Array },
  signal: AbortSignal,
): Promise<string> {
  const call = async <T>(step: string, body: object, schema: z.ZodType<T>): Promise<T> => {
    const cmd = `aibot_upload_media_${step}`;
    const ack = await post(bot, { cmd, reqId: `up-${ulid()}`, chat: '', body }, signal);
    const { success, data } = schema.safeParse(ack.body);
    if (!success) throw new CallError(`${cmd} was answered in a form that we don't know`, { verdict: 'permanent' });
    return data;
  };
  const chunks = Math.ceil(bytes.length / chunkBytes);
  const md5 = createHash('md5').update(bytes).digest('hex');
  const whole = { type: 'image', filename: name, total_size: bytes.length, total_chunks: chunks, md5 };
  const { upload_id } = await call('init', whole, begun);
  for (let index = 0; index < chunks; index++) {
    const chunk = bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes);
    const base64_data = Buffer.from(chunk).toString('base64');
    await call('chunk', { upload_id, chunk_index: index, base64_data }, z.unknown());
  }
  return (await call('finish', { upload_id }, finished)).media_id;
}

import type { Context } from '../../context.ts';
import { CallError } from '../../errors.ts';

/** WeChat's recordings last at most a minute: some hundred kilobytes. */
const maxBytes = 10 * 1024 * 1024;

/** Fetches a recording: as it comes in the answer, or from the address there. Throws a CallError. */
export async function fetchRecording(
  { bizcomm, downloader }: Context,
  { appid, mediaId }: { appid: string; mediaId: string },
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  if (bizcomm === undefined) throw new CallError('there is no WeChat side (BIZCOMM_URL)', { verdict: 'permanent' });
  const { buffer, url } = await bizcomm.fetchMediaById({ appid, mediaId }, signal);
  const bytes = buffer === '' ? (await downloader.download(url, signal)).bytes : decodeBase64(buffer);
  if (bytes.length === 0) throw new CallError('the recording is empty', { verdict: 'permanent' });
  if (bytes.length > maxBytes) throw new CallError('the recording is too long', { verdict: 'permanent' });
  return bytes;
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  if (text.length > 2 * maxBytes) throw new CallError('the recording is too long', { verdict: 'permanent' });
  return new Uint8Array(Buffer.from(text, 'base64'));
}

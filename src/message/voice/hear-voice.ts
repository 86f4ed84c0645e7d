import type { Context } from '../../context.ts';
import { classify } from '../../dispatch/classify.ts';
import type { PendingMessage } from '../store.ts';
import { fetchRecording } from './fetch-recording.ts';
import { toSoundFile } from './to-sound-file.ts';

/**
 * What a voice message says, stored as its text. Undefined: it can't be heard here, or not at all. Throws what may go
 * well at another try.
 */
export async function hearVoice(
  context: Context,
  message: PendingMessage,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { transcribe, database, logger } = context;
  if (message.content !== '') return message.content; // heard at a try before
  if (transcribe === undefined || message.mediaId === null) return undefined;
  try {
    const recording = await fetchRecording(context, { appid: message.appid, mediaId: message.mediaId }, signal);
    const file = await toSoundFile(recording, message.mediaFormat ?? 0, signal);
    const text = file === undefined ? '' : await transcribe(file, signal);
    if (text === '') return undefined;
    await database.run('update message set content = ? where message_id = ?', [text, message.messageId]);
    return text;
  } catch (error) {
    const { verdict, reason } = classify(error);
    if (verdict !== 'permanent') throw error;
    logger.warn({ appid: message.appid, msgid: message.msgid, reason }, 'a voice message can not be heard');
    return undefined;
  }
}

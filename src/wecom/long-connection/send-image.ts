import type { Sender } from '../../dispatch/dispatch.ts';
import { CallError } from '../../errors.ts';
import { checkLink } from '../media/check-link.ts';
import { detectImage } from '../media/detect-image.ts';
import { findStream } from '../stream-store.ts';
import { chatKey, post } from './live-bot.ts';
import { addressOf, readPiece, reqIdOf, requireLive, type SenderNeeds, takeRoom } from './piece.ts';
import { isSaidByUrl } from './say-by-url.ts';
import { uploadImage } from './upload-media.ts';

/** WeCom has taken larger ones, and has refused them. */
const maxBytes = 2 * 1024 * 1024;
const leastBytes = 5;

/** Sends a picture of an answer. Its text has the link as well, so one that can't be had is missed by nobody. */
export function createImageSender({ context, bots }: SenderNeeds): Sender {
  const { config, database, downloader } = context;
  return async (dispatch, signal) => {
    const { streamId, text: url } = readPiece(dispatch);
    const stream = await findStream(database, streamId);
    if (stream === undefined || (await isSaidByUrl(context, stream))) return;
    const bot = requireLive(bots, dispatch, stream);
    checkLink(url, config.EGRESS_ALLOW);
    const { bytes } = await downloader.download(url, signal, maxBytes);
    const type = detectImage(bytes);
    if (type === undefined || bytes.length < leastBytes)
      throw new CallError('it is no picture that WeCom shows', { verdict: 'permanent' });
    takeRoom(bot, stream);
    const mediaId = await uploadImage(bot, { name: `image.${extensionOf(type)}`, bytes }, signal);
    const body = { ...addressOf(stream), msgtype: 'image', image: { media_id: mediaId } };
    await post(bot, { cmd: 'aibot_send_msg', reqId: reqIdOf(dispatch), chat: chatKey(stream), body }, signal);
  };
}

const extensionOf = (mediaType: string) => mediaType.replace('image/', '').replace('jpeg', 'jpg');

/** What WeCom says to the frames of a bot that has subscribed: by the documentation, and as strictly as seen in the field. */
import { z } from 'zod';
import { keepIn } from '../keep-in.ts';
import type { Chats, Place } from './chats.ts';
import { readBody } from './read-body.ts';
import { codes, Refused } from './refused.ts';
import type { Media, Uploads } from './uploads.ts';

export const frameSchema = z.object({
  cmd: z.string().min(1).max(64),
  headers: z.object({ req_id: z.string().min(1).max(256) }),
  body: z.unknown().optional(),
});

export type BotFrame = z.infer<typeof frameSchema>;

export interface AnswerState {
  chats: Chats;
  uploads: Uploads;
  /** The task_ids of cards. */
  tasks: Map<string, true>;
}

/** What a frame has come to. */
export interface Taken {
  /** Of the acknowledgement. */
  body?: object;
  /** Where it has said something that is seen there. */
  place?: Place;
  media?: Media | undefined;
}

/** How long after its callback a frame may come. */
const replyMs = 24 * 60 * 60_000;
const atOnceMs = 5000;
const maxContentBytes = 20_480;
const maxFeedbackBytes = 256;
const maxTasks = 5000;

const mediaTypes = ['file', 'image', 'voice', 'video'];
const typesOf = {
  aibot_respond_msg: ['stream', 'template_card', 'markdown', ...mediaTypes],
  aibot_send_msg: ['template_card', 'markdown', ...mediaTypes],
  aibot_respond_welcome_msg: ['text', 'template_card'],
} as const;

/** Takes a frame. Throws a Refused. */
export function answerFrame(state: AnswerState, botId: string, { cmd, headers, body }: BotFrame): Taken {
  const { chats, uploads } = state;
  const reqId = headers.req_id;
  switch (cmd) {
    case 'ping':
      return {};
    case 'aibot_upload_media_init':
      return { body: uploads.init(botId, body) };
    case 'aibot_upload_media_chunk':
      return { body: uploads.chunk(botId, body) };
    case 'aibot_upload_media_finish':
      return { body: uploads.finish(botId, body) };
    case 'aibot_respond_msg': {
      const sent = chats.find(botId, reqId, replyMs);
      if (sent.kind !== 'message') throw new Refused(codes.badRequest, 'invalid req_id');
      const said = readSaid(state, botId, cmd, body);
      if (said.stream === undefined) chats.count(sent.place);
      else if (!chats.stream(sent, said.stream)) return {};
      return seen(state, sent.place, said);
    }
    case 'aibot_respond_welcome_msg': {
      const sent = chats.find(botId, reqId, atOnceMs);
      if (sent.kind !== 'enter') throw new Refused(codes.badRequest, 'invalid req_id');
      if (sent.isResponded) throw new Refused(codes.responded, 'request already responded');
      const said = readSaid(state, botId, cmd, body);
      chats.count(sent.place);
      sent.isResponded = true;
      return seen(state, sent.place, said);
    }
    case 'aibot_respond_update_msg': {
      const sent = chats.find(botId, reqId, atOnceMs);
      if (sent.kind !== 'click' || sent.isResponded) throw new Refused(codes.responded, 'request already responded');
      const { response_type: type } = readBody(updateSchema, body);
      if (type !== 'update_template_card') throw new Refused(codes.badType, 'invalid message type');
      chats.count(sent.place);
      sent.isResponded = true;
      return { place: sent.place };
    }
    case 'aibot_send_msg': {
      const said = readSaid(state, botId, cmd, body);
      const { chatid, chat_type: type } = readBody(targetSchema, body);
      const place = chats.findPlace(botId, chatid, type);
      chats.count(place);
      return seen(state, place, said);
    }
    default:
      throw new Refused(codes.badParameter, 'unknown cmd');
  }
}

const targetSchema = z.object({ chatid: z.string().min(1), chat_type: z.number().int().min(0).max(2).default(0) });
const card = z.looseObject({ card_type: z.string().min(1), task_id: z.string().optional() });
const updateSchema = z.object({ response_type: z.string(), template_card: card });

const feedback = z.object({ id: z.string().refine((id) => Buffer.byteLength(id) <= maxFeedbackBytes, 'too long') });
const streamSchema = z.object({
  id: z.string().min(1).max(256),
  finish: z.boolean().default(false),
  content: z.string().default(''),
  feedback: feedback.optional(),
});
const words = z.object({ content: z.string().min(1), feedback: feedback.optional() });

interface Said {
  stream?: z.infer<typeof streamSchema>;
  /** Of a card: its bot and task_id. */
  task?: string | undefined;
  media?: Media;
}

/** What a body says, by its type, of those that a command may have. Throws a Refused. */
function readSaid({ uploads, tasks }: AnswerState, botId: string, cmd: keyof typeof typesOf, body: unknown): Said {
  const { msgtype } = readBody(z.object({ msgtype: z.string() }), body);
  if (!(typesOf[cmd] as readonly string[]).includes(msgtype)) throw new Refused(codes.badType, 'invalid message type');
  const given = (body as Record<string, unknown>)[msgtype];
  if (msgtype === 'template_card') {
    const task = readBody(card, given).task_id;
    const key = task === undefined ? undefined : JSON.stringify([botId, task]);
    if (key !== undefined && tasks.has(key)) throw new Refused(codes.knownTask, 'task_id is used already');
    return { task: key };
  }
  if (mediaTypes.includes(msgtype)) {
    const { media_id: mediaId } = readBody(z.object({ media_id: z.string() }), given);
    return { media: uploads.find(botId, mediaId, msgtype) };
  }
  const content = (given as { content?: unknown } | undefined)?.content;
  if (typeof content === 'string' && Buffer.byteLength(content) > maxContentBytes) {
    throw new Refused(codes.tooLong, 'content size out of limit');
  }
  if (msgtype === 'stream') return { stream: readBody(streamSchema, given) };
  readBody(words, given);
  return {};
}

/** It is shown; a card's task_id is used up. */
function seen({ tasks }: AnswerState, place: Place, { task, media }: Said): Taken {
  if (task !== undefined) keepIn(tasks, task, true, maxTasks);
  return { place, media };
}

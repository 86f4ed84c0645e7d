/**
 * The chats that a strict WeCom shows: what users say goes out as callbacks, and what a bot answers is checked against the
 * rules of the protocol, and shown. Each rule that it breaks is a fault.
 */
import { createHash, randomBytes } from 'node:crypto';
import { until } from './until.ts';
import type { BotSocket, SocketFrame, WecomSocketSide } from './wecom-socket-side.ts';

export interface From {
  userid: string;
  chatid?: string;
}

/** What stands in a chat: a bubble with all that it has said, or a message. */
export interface Shown {
  kind: 'bubble' | 'markdown' | 'template_card' | 'image';
  /** A bubble's stream. */
  id: string;
  /** All texts that it has had, the last one being what stays. */
  texts: string[];
  isFinished: boolean;
  /** When it came to stand there, by performance.now(). */
  atMs: number;
  // biome-ignore lint/suspicious/noExplicitAny: cards are looked at field by field
  card?: any;
  bytes?: Buffer;
}

export interface WecomChats {
  /** A user says something; returns the req_id. */
  say(botId: string, from: From, content: string | object, more?: object): string;
  /** An event of a user. */
  tell(botId: string, from: From, event: object): string;
  /** What was said to an event. */
  toEvents: Map<string, SocketFrame[]>;
  /** All that stands in a chat, in its order. */
  chat(from: From): Shown[];
  /** Waits for as many finished ones, and returns their last texts. */
  finished(from: From, count: number): Promise<string[]>;
  /** What a frame is answered with, before the rules are looked at; undefined: by the rules. */
  fault(frame: SocketFrame, socket: BotSocket): number | 'silence' | undefined;
  faults: string[];
  /** A bubble lives for so long. */
  streamMs: number;
  /** Frames of one chat in a minute. */
  mostAMinute: number;
  /** All frames but heartbeats that were taken. */
  taken: SocketFrame[];
}

interface Request {
  chat: string;
  kind: 'message' | 'enter_chat' | 'template_card_event' | 'feedback_event';
  isAnswered: boolean;
  atMs: number;
}

const keyOf = ({ userid, chatid }: From) => (chatid === undefined ? `1:${userid}` : `2:${chatid}`);

export function createChats(side: WecomSocketSide): WecomChats {
  const requests = new Map<string, Request>();
  const shown = new Map<string, Shown[]>();
  const streams = new Map<string, Shown>();
  const sentAtMs = new Map<string, number[]>();
  const uploads = new Map<string, { chunks: Map<number, Buffer>; total: number; md5: string }>();
  const media = new Map<string, Buffer>();

  const put = (chat: string, one: Omit<Shown, 'atMs'>): Shown => {
    const put = { ...one, atMs: performance.now() };
    shown.set(chat, [...(shown.get(chat) ?? []), put]);
    return put;
  };
  const isOver = (chat: string) => {
    const recent = (sentAtMs.get(chat) ?? []).filter((at) => at > performance.now() - 60_000);
    sentAtMs.set(chat, recent);
    if (recent.length >= chats.mostAMinute) return true;
    recent.push(performance.now());
    return false;
  };

  function send(botId: string, from: From, cmd: string, body: object, kind: Request['kind']): string {
    const socket = side.connected(botId);
    if (socket === undefined) throw new Error(`${botId} is not connected`);
    const reqId = randomBytes(9).toString('base64url');
    requests.set(reqId, { chat: keyOf(from), kind, isAnswered: false, atMs: performance.now() });
    const chat = from.chatid === undefined ? { chattype: 'single' } : { chattype: 'group', chatid: from.chatid };
    const msgid = randomBytes(9).toString('base64url');
    socket.callBack(cmd, reqId, { msgid, aibotid: botId, from: { userid: from.userid }, ...chat, ...body });
    return reqId;
  }

  function respond({ headers, body }: SocketFrame): number {
    const request = requests.get(headers.req_id);
    if (request === undefined || request.kind !== 'message') return 846_605;
    if (isOver(request.chat)) return 846_607;
    if (body.msgtype !== 'stream') return 40_008;
    const { id, content, finish } = body.stream;
    if (Buffer.byteLength(content) > 20_480) return 45_002;
    const known = streams.get(id);
    if (known?.isFinished && known.texts.at(-1) !== content) {
      chats.faults.push(`a bubble was changed after its end: ${known.texts.at(-1)} to ${content}`);
    }
    if (known !== undefined && performance.now() - known.atMs > chats.streamMs) return 846_608;
    if (finish && content.trim() === '') return 0; // ignored
    const bubble = known ?? put(request.chat, { kind: 'bubble', id, texts: [], isFinished: false });
    streams.set(id, bubble);
    bubble.texts.push(content);
    bubble.isFinished ||= finish;
    return 0;
  }

  function push({ body }: SocketFrame): number {
    if (![1, 2].includes(body.chat_type)) chats.faults.push('a message without chat_type');
    const chat = `${body.chat_type}:${body.chatid}`;
    if (![...requests.values()].some((request) => request.chat === chat)) return 93_006;
    if (isOver(chat)) return 846_607;
    const common = { id: '', texts: [] as string[], isFinished: true };
    if (body.msgtype === 'markdown') {
      if (Buffer.byteLength(body.markdown.content) > 20_480) return 45_002;
      put(chat, { ...common, kind: 'markdown', texts: [body.markdown.content] });
    } else if (body.msgtype === 'template_card') {
      put(chat, { ...common, kind: 'template_card', texts: [''], card: body.template_card });
    } else if (body.msgtype === 'image') {
      const bytes = media.get(body.image.media_id);
      if (bytes === undefined) return 40_058;
      put(chat, { ...common, kind: 'image', texts: [''], bytes });
    } else return 40_008;
    return 0;
  }

  function answerEvent({ cmd, headers }: SocketFrame): number {
    const request = requests.get(headers.req_id);
    const wanted = cmd === 'aibot_respond_welcome_msg' ? 'enter_chat' : 'template_card_event';
    if (request?.kind !== wanted) return 846_605;
    if (request.isAnswered) return 846_606;
    if (performance.now() - request.atMs > 5000) chats.faults.push(`${cmd} came after five seconds`);
    request.isAnswered = true;
    return 0;
  }

  function upload({ cmd, body }: SocketFrame): { errcode: number; body?: object } {
    if (cmd === 'aibot_upload_media_init') {
      const id = randomBytes(6).toString('hex');
      uploads.set(id, { chunks: new Map(), total: body.total_chunks, md5: body.md5 });
      return { errcode: 0, body: { upload_id: id } };
    }
    const session = uploads.get(body.upload_id);
    if (session === undefined) return { errcode: 40_058 };
    if (cmd === 'aibot_upload_media_chunk') {
      session.chunks.set(body.chunk_index, Buffer.from(body.base64_data, 'base64'));
      return { errcode: 0 };
    }
    const chunks = Array.from({ length: session.total }, (_, index) => session.chunks.get(index)!);
    const bytes = Buffer.concat(chunks);
    if (createHash('md5').update(bytes).digest('hex') !== session.md5) return { errcode: 40_058 };
    const mediaId = randomBytes(6).toString('hex');
    media.set(mediaId, bytes);
    return { errcode: 0, body: { type: 'image', media_id: mediaId, created_at: '1' } };
  }

  side.answer = (frame, socket) => {
    if (frame.cmd === 'ping') return 0;
    const fault = chats.fault(frame, socket);
    if (fault === 'silence') return undefined;
    if (fault !== undefined) return fault;
    chats.taken.push(frame);
    if (frame.cmd === 'aibot_respond_msg') return respond(frame);
    if (frame.cmd === 'aibot_send_msg') return push(frame);
    if (frame.cmd?.startsWith('aibot_upload_media_')) return upload(frame);
    const events = chats.toEvents.get(frame.headers.req_id) ?? [];
    chats.toEvents.set(frame.headers.req_id, [...events, frame]);
    return answerEvent(frame);
  };

  const chats: WecomChats = {
    say(botId, from, content, more = {}) {
      const words = typeof content === 'string' ? { msgtype: 'text', text: { content } } : content;
      return send(botId, from, 'aibot_msg_callback', { ...words, ...more }, 'message');
    },
    tell(botId, from, event) {
      const { eventtype } = event as { eventtype: Request['kind'] };
      return send(botId, from, 'aibot_event_callback', { msgtype: 'event', event }, eventtype);
    },
    ...{ toEvents: new Map(), faults: [], taken: [], streamMs: 600_000, mostAMinute: 30 },
    chat: (from) => shown.get(keyOf(from)) ?? [],
    async finished(from, count) {
      const done = () => chats.chat(from).filter((each) => each.isFinished);
      await until(`${count} answers are finished for ${keyOf(from)}`, () => done().length >= count);
      return done().map((each) => each.texts.at(-1)!);
    },
    fault: () => undefined,
  };
  return chats;
}

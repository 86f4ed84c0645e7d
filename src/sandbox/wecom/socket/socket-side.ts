/**
 * WeCom's end of long connections, as strict as WeCom: nothing before the subscription, one connection for a bot, an
 * acknowledgement for each frame, one frame on its way for a req_id. What each command may hold is in answer-frame.ts.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { type AnswerState, answerFrame, type BotFrame, frameSchema, type Taken } from './answer-frame.ts';
import { createChats, type Place } from './chats.ts';
import { createFrameLog, type SaidFrame } from './frame-log.ts';
import { readBody } from './read-body.ts';
import { codes, Refused } from './refused.ts';
import { createUploads } from './uploads.ts';

export interface SocketSideOptions {
  /** The time, which tests set. */
  nowMs?: () => number;
  /** How long an acknowledgement takes. */
  ackMs?: number;
  /** A connection that has sent nothing for so long is closed. */
  silenceMs?: number;
}

/** What somebody says or does, as WeCom tells a bot. */
export interface Told {
  msgtype: string;
  chattype?: string | undefined;
  chatid?: string | undefined;
  from?: { userid: string } | undefined;
  event?: { eventtype: string } | undefined;
}

export interface SocketSide {
  /** The bots that there are, with their secrets. */
  secrets: Map<string, string>;
  /** Takes an HTTP request that asks to become a connection. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  isConnected(botId: string): boolean;
  /** Tells a bot; undefined: it is not connected. `n` is the number of the last frame before. */
  tell(botId: string, told: Told): { reqId: string; n: number } | undefined;
  /** What bots have said to a callback and in its place, after number `n`; undefined: there is no such callback. */
  framesOf(reqId: string, n: number): SaidFrame[] | undefined;
  close(): void;
}

interface Peer {
  socket: WebSocket;
  /** Undefined: it has not subscribed, or not any more. */
  botId: string | undefined;
  /** The req_ids of frames that are not acknowledged yet. */
  underWay: Set<string>;
  waiting: number;
}

const maxFrameBytes = 1024 * 1024;
const maxPeers = 3000;
/** Frames of one connection that are not acknowledged yet. */
const maxWaiting = 500;
/** What a bot has not read yet; beyond it is cut off. */
const maxUnreadBytes = 8 * 1024 * 1024;
const kickMs = 100;
/** Of these it is told, too, when they were refused. */
const sayings = /^aibot_(respond|send)_/;

const subscribeSchema = z.object({ bot_id: z.string(), secret: z.string() });

export function createSocketSide(options: SocketSideOptions = {}): SocketSide {
  const { nowMs = Date.now, ackMs = 50, silenceMs = 90_000 } = options;
  const state: AnswerState = { chats: createChats(nowMs), uploads: createUploads(nowMs), tasks: new Map() };
  const log = createFrameLog();
  const secrets = new Map<string, string>();
  const owners = new Map<string, Peer>();
  const server = new WebSocketServer({ noServer: true, maxPayload: maxFrameBytes, perMessageDeflate: false });
  server.on('connection', listen);

  function listen(socket: WebSocket): void {
    const peer: Peer = { socket, botId: undefined, underWay: new Set(), waiting: 0 };
    const silence = setTimeout(() => socket.close(1000, 'nothing was heard for too long'), silenceMs);
    socket
      .on('message', (data) => {
        silence.refresh();
        take(peer, data as Buffer);
      })
      .on('error', () => {}) // it closes, too
      .on('close', () => {
        clearTimeout(silence);
        leave(peer);
      });
    if (server.clients.size > maxPeers) socket.close(1013, 'too many connections');
  }

  function leave(peer: Peer): void {
    if (peer.botId !== undefined && owners.get(peer.botId) === peer) owners.delete(peer.botId);
    peer.botId = undefined;
  }

  function take(peer: Peer, bytes: Buffer): void {
    const frame = read(bytes);
    if (frame === undefined) peer.socket.close(1007, 'not a frame');
    else if (++peer.waiting > maxWaiting) peer.socket.close(1008, 'too many frames at once');
    else judge(peer, frame, bytes.length);
  }

  function judge(peer: Peer, frame: BotFrame, bytes: number): void {
    const { req_id: reqId } = frame.headers;
    const { botId } = peer;
    let taken: Taken = {};
    let refused: Refused | undefined;
    let begin = () => {};
    try {
      if (peer.underWay.has(reqId)) throw new Refused(codes.conflict, 'a frame of this req_id is on its way');
      if (frame.cmd === 'aibot_subscribe') begin = subscribe(peer, frame.body);
      else if (botId === undefined) throw new Refused(codes.notSubscribed, 'not subscribed');
      else taken = answerFrame(state, botId, frame);
    } catch (error) {
      refused = error instanceof Refused ? error : new Refused(-1, 'system error');
    }
    const { place, body } = taken;
    const media = taken.media && { type: taken.media.type, filename: taken.media.filename, bytes: taken.media.bytes };
    const { errcode } = refused ?? { errcode: 0 };
    const isSaid = place !== undefined || (errcode !== 0 && botId !== undefined && sayings.test(frame.cmd));
    if (isSaid) log.add({ reqId, cmd: frame.cmd, errcode, body: frame.body, place, media, bytes });
    acknowledge(peer, reqId, { refused, body, begin });
  }

  function acknowledge(
    peer: Peer,
    reqId: string,
    { refused, body, begin }: { refused: Refused | undefined; body: object | undefined; begin: () => void },
  ): void {
    peer.underWay.add(reqId);
    const ack = { headers: { req_id: reqId }, errcode: refused?.errcode ?? 0, errmsg: describe(refused), body };
    setTimeout(() => {
      peer.waiting--;
      if (refused?.errcode !== codes.conflict) peer.underWay.delete(reqId);
      send(peer, ack);
      begin();
    }, ackMs);
  }

  /** Judges a subscription, and returns what begins it: before it is acknowledged nothing is taken, and nothing told. */
  function subscribe(peer: Peer, body: unknown): () => void {
    const { bot_id: botId, secret } = readBody(subscribeSchema, body);
    if (peer.botId !== undefined) throw new Refused(codes.tooOften, 'subscribed already');
    const known = secrets.get(botId);
    if (known === undefined || known !== secret) throw new Refused(codes.badCredentials, 'invalid bot_id or secret');
    return () => own(botId, peer);
  }

  function own(botId: string, peer: Peer): void {
    if (peer.socket.readyState !== peer.socket.OPEN || peer.botId !== undefined) return;
    const former = owners.get(botId);
    peer.botId = botId;
    owners.set(botId, peer);
    if (former === undefined) return;
    former.botId = undefined;
    const event = { msgid: newId(), aibotid: botId, msgtype: 'event', event: { eventtype: 'disconnected_event' } };
    send(former, { cmd: 'aibot_event_callback', headers: { req_id: newId() }, body: event });
    setTimeout(() => former.socket.close(1000, 'connected from elsewhere'), kickMs);
  }

  return {
    secrets,
    upgrade(request, socket, head) {
      server.handleUpgrade(request, socket, head, (opened) => server.emit('connection', opened, request));
    },
    isConnected: (botId) => owners.has(botId),
    tell(botId, told) {
      const peer = owners.get(botId);
      if (peer === undefined) return undefined;
      const reqId = newId();
      const n = log.last();
      state.chats.note(reqId, { botId, kind: kindOf(told), place: placeOf(botId, told) });
      const isEvent = told.msgtype === 'event';
      const cmd = isEvent ? 'aibot_event_callback' : 'aibot_msg_callback';
      const body = { msgid: newId(), create_time: Math.floor(nowMs() / 1000), aibotid: botId, ...told };
      send(peer, { cmd, headers: { req_id: reqId }, body });
      return { reqId, n };
    },
    framesOf(reqId, n) {
      const sent = state.chats.sentAs(reqId);
      return sent && log.list(reqId, sent.place, n);
    },
    close() {
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
}

function read(bytes: Buffer): BotFrame | undefined {
  try {
    const frame = frameSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    JSON.stringify(frame.body); // too deep to be written again: not kept
    return frame;
  } catch {
    return undefined;
  }
}

function send({ socket }: Peer, frame: object): void {
  if (socket.bufferedAmount > maxUnreadBytes) socket.terminate();
  else if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(frame), () => {});
}

/** As WeCom has it, with what is for nobody's log. */
function describe(refused: Refused | undefined): string {
  if (refused === undefined) return 'ok';
  return `${refused.message}, hint: [${newId()}], from ip: 127.0.0.1, more info at https://open.work.weixin.qq.com`;
}

function kindOf({ msgtype, event }: Told) {
  if (msgtype !== 'event') return 'message';
  if (event?.eventtype === 'enter_chat') return 'enter';
  return event?.eventtype === 'template_card_event' ? 'click' : 'other';
}

function placeOf(botId: string, { chattype, chatid, from }: Told): Place | undefined {
  if (chattype === 'group') return chatid === undefined ? undefined : { botId, chatType: 2, chatId: chatid };
  return from && { botId, chatType: 1, chatId: from.userid };
}

const newId = () => randomBytes(16).toString('hex');

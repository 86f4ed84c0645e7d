/** WeCom's side of long connections, strict: one connection per bot, an acknowledgement for each frame, and faults. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

export interface SocketFrame {
  cmd?: string;
  headers: { req_id: string };
  // biome-ignore lint/suspicious/noExplicitAny: frames are looked at field by field
  body?: any;
}

/** A connection of a bot. */
export interface BotSocket {
  botId: string | undefined;
  /** When its subscription was taken, by performance.now(). */
  subscribedMs: number | undefined;
  socket: WebSocket;
  frames: SocketFrame[];
  /** All that has come by it, of whatever form. */
  readBytes(): number;
  /** Sends a callback. */
  callBack(cmd: string, reqId: string, body: unknown): void;
}

export interface WecomSocketSide {
  url: string;
  /** The bots that may subscribe, with their secrets. */
  secrets: Map<string, string>;
  /** All connections that ever were, in their order. */
  sockets: BotSocket[];
  /** The one that is subscribed as this bot. */
  connected(botId: string): BotSocket | undefined;
  /** What is said to a frame: an errcode, or undefined for nothing. 0 unless set; not asked for subscriptions. */
  answer(frame: SocketFrame, socket: BotSocket): number | { errcode: number; body?: object } | undefined;
  /** What a frame was wrong with: two on their way with one req_id, or one before the subscription. */
  faults: string[];
  /** Delays of acknowledgements; infinite: it is lost. */
  delayMs(frame: SocketFrame): number;
  /** Ends all connections, and is not to be reached until it comes back. */
  goAway(): Promise<void>;
  /** Listens where it did before. */
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

export async function startWecomSocketSide(port = 0): Promise<WecomSocketSide> {
  const owners = new Map<string, BotSocket>();

  async function listen(at: number): Promise<WebSocketServer> {
    const listening = new WebSocketServer({ host: '127.0.0.1', port: at }).on('connection', take);
    await once(listening, 'listening');
    return listening;
  }

  function take(socket: WebSocket, { socket: tcp }: IncomingMessage): void {
    const bot: BotSocket = {
      ...{ botId: undefined, subscribedMs: undefined, socket, frames: [], readBytes: () => tcp.bytesRead },
      callBack: (cmd, reqId, body) => socket.send(JSON.stringify({ cmd, headers: { req_id: reqId }, body })),
    };
    side.sockets.push(bot);
    const underWay = new Set<string>();
    const acknowledge = (frame: SocketFrame, errcode: number, body?: object) => {
      const { req_id } = frame.headers;
      const delayMs = side.delayMs(frame);
      if (delayMs === Number.POSITIVE_INFINITY) return;
      underWay.add(req_id);
      setTimeout(() => {
        underWay.delete(req_id);
        socket.send(
          JSON.stringify({ headers: { req_id }, errcode, errmsg: errcode === 0 ? 'ok' : 'refused, hint: [1]', body }),
        );
      }, delayMs);
    };
    socket.on('message', (data) => {
      const frame = JSON.parse(data.toString()) as SocketFrame;
      bot.frames.push(frame);
      if (underWay.has(frame.headers.req_id)) {
        side.faults.push(`two at once: ${frame.cmd}`);
        return acknowledge(frame, 6000);
      }
      if (frame.cmd === 'aibot_subscribe') return acknowledge(frame, subscribe(bot, frame.body));
      if (bot.botId === undefined) {
        side.faults.push(`before the subscription: ${frame.cmd}`);
        return acknowledge(frame, 846_609);
      }
      const answer = side.answer(frame, bot);
      if (typeof answer === 'number') acknowledge(frame, answer);
      else if (answer !== undefined) acknowledge(frame, answer.errcode, answer.body);
    });
    socket
      .on('error', () => {})
      .on('close', () => {
        if (bot.botId !== undefined && owners.get(bot.botId) === bot) owners.delete(bot.botId);
      });
  }

  function subscribe(bot: BotSocket, { bot_id, secret }: { bot_id: string; secret: string }): number {
    if (side.secrets.get(bot_id) !== secret) return 853_000;
    const former = owners.get(bot_id);
    owners.set(bot_id, bot);
    bot.botId = bot_id;
    bot.subscribedMs = performance.now();
    if (former !== undefined) {
      const body = { msgid: 'd', aibotid: bot_id, msgtype: 'event', event: { eventtype: 'disconnected_event' } };
      former.callBack('aibot_event_callback', 'disconnected', body);
    }
    return 0;
  }

  async function goAway(): Promise<void> {
    for (const { socket } of side.sockets) socket.terminate();
    await new Promise((resolve) => server.close(resolve));
  }

  let server = await listen(port);
  const at = (server.address() as AddressInfo).port;
  const side: WecomSocketSide = {
    url: `ws://127.0.0.1:${at}`,
    ...{ secrets: new Map(), sockets: [], faults: [] },
    connected: (botId) => owners.get(botId),
    answer: () => 0,
    delayMs: () => 0,
    goAway,
    async comeBack() {
      server = await listen(at);
    },
    close: goAway,
  };
  return side;
}

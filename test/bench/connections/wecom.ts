/** WeCom, as a process of its own: says what it is told to, and counts what the connections do. */
import { createChats } from '../../support/wecom-chats.ts';
import { type BotSocket, startWecomSocketSide } from '../../support/wecom-socket-side.ts';
import { serveParent } from './child.ts';

/** What the stand-in has seen. */
export interface Seen {
  connected: number;
  /** Connections that ever were. */
  sockets: number;
  /** The most subscriptions in any one second. */
  mostASecond: number;
  /** From the first subscription to the last. */
  spreadMs: number;
  said: number;
  /** From a question to the last frame of its bubble. */
  answeredMs: number[];
  /** Of the connection with the fewest heartbeats since `forget`, how many; of all, the longest time without one. */
  fewestPings: number;
  longestPauseMs: number;
  faults: string[];
}

const side = await startWecomSocketSide();
const chats = createChats(side);
const rules = side.answer;
const saidMs = new Map<string, number>();
const answeredMs = new Map<string, number>();
const pingsMs = new Map<BotSocket, number[]>();
let sinceMs = performance.now();
let first = 0;

side.answer = (frame, socket) => {
  const { cmd, headers, body } = frame;
  if (cmd === 'ping') pingsMs.set(socket, [...(pingsMs.get(socket) ?? []), performance.now()]);
  const answer = rules(frame, socket);
  if (cmd === 'aibot_respond_msg' && body.stream?.finish && answer === 0 && !answeredMs.has(headers.req_id)) {
    answeredMs.set(headers.req_id, performance.now() - saidMs.get(headers.req_id)!);
  }
  return answer;
};

function see(): Seen {
  const nowMs = performance.now();
  const sockets = side.sockets.slice(first);
  const subscribedMs = sockets.flatMap((each) => each.subscribedMs ?? []).sort((a, b) => a - b);
  const within = (at: number) => subscribedMs.filter((each) => each >= at && each < at + 1000).length;
  const pings = sockets.map((socket) => (pingsMs.get(socket) ?? []).filter((at) => at >= sinceMs));
  const pauses = pings.flatMap((all) => [...all, nowMs].map((at, index) => at - (all[index - 1] ?? sinceMs)));
  return {
    connected: [...side.secrets.keys()].filter((botId) => side.connected(botId) !== undefined).length,
    sockets: sockets.length,
    mostASecond: Math.max(0, ...subscribedMs.map(within)),
    spreadMs: (subscribedMs.at(-1) ?? 0) - (subscribedMs[0] ?? 0),
    said: saidMs.size,
    answeredMs: [...answeredMs.values()],
    fewestPings: Math.min(...pings.map((all) => all.length)),
    longestPauseMs: Math.max(0, ...pauses),
    faults: [...chats.faults, ...side.faults],
  };
}

serveParent({
  url: () => side.url,
  admit: (botIds: string[]) => {
    for (const botId of botIds) side.secrets.set(botId, 's');
  },
  say: ({ botId, userid, content }: { botId: string; userid: string; content: string }) => {
    saidMs.set(chats.say(botId, { userid }, content), performance.now());
  },
  /** Ends all connections at once. */
  cut: () => {
    first = side.sockets.length;
    for (const { socket } of side.sockets) socket.terminate();
  },
  /** From now on connections are counted anew. */
  countSockets: () => {
    first = side.sockets.length;
  },
  /** From now on heartbeats are counted anew. */
  countPings: () => {
    sinceMs = performance.now();
  },
  see,
});
process.once('disconnect', () => process.exit()).once('SIGTERM', () => process.exit());

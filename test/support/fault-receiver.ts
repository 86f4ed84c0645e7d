/**
 * A WeChat side that takes replies and fails in every way, with a seeded chance. It keeps of each arrival what became
 * of it: a reply is *taken* only when "success" was answered in full.
 */
import type { SandboxMessage } from '../../src/sandbox/articles/types.ts';
import { startWechatSide } from '../../src/sandbox/wechat-side.ts';
import type { Random } from './random.ts';
import { type Arrived, passOn, startReceiver } from './receiver.ts';

/** How a reply can fail. `executed`: it was taken, but its sender is told of a failure. */
export const faultKinds = [
  'status500',
  'retryAfter',
  'errcode',
  'hang',
  'cut',
  'cutInAnswer',
  'garbage',
  'executed',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** A reply that arrived. */
export interface Arrival {
  msgid: string;
  openid: string;
  /** The body as it came. */
  body: string;
  /** The text that the user reads. */
  text: string;
  /** BIZCOMM_APPNAME of the replica that sent it. */
  sender: string;
  /** By performance.now(). */
  atMs: number;
  /** `gone`: the sender had vanished before it was answered. */
  outcome: 'open' | 'taken' | 'gone' | FaultKind;
}

export interface FaultReceiver {
  url: string;
  /** All replies in the order in which they arrived. */
  arrivals: Arrival[];
  /** The share of replies that fail. */
  faultShare: number;
  /** Until 'up' again: connections are refused an answer at once, for all calls. */
  down: boolean;
  /** Replies that came while it was down. */
  refused: number;
  /** How long a reply waits for its answer, in milliseconds. */
  delayMs(arrival: Arrival): number;
  /** Called when a reply arrives; what it returns is done to it in place of chance. */
  onArrival: (arrival: Arrival) => FaultKind | undefined;
  close(): Promise<void>;
}

export async function startFaultReceiver(random: Random, articles: readonly SandboxMessage[]): Promise<FaultReceiver> {
  const wechat = await startWechatSide({ host: '127.0.0.1', port: 0 }, articles);
  const hanging = new Set<NodeJS.Timeout>();
  const server = await startReceiver(async (call) => {
    server.arrived.length = 0; // what is kept is in `arrivals`
    if (receiver.down) {
      if (call.method === 'v2recvaireply') receiver.refused++;
      return void call.request.socket.destroy();
    }
    if (call.method !== 'v2recvaireply') return passOn(call, wechat.url);
    const arrival = toArrival(call);
    receiver.arrivals.push(arrival);
    const asked = receiver.onArrival(arrival);
    const fault = asked ?? (random.chance(receiver.faultShare) ? random.pick(faultKinds) : undefined);
    const delayMs = receiver.delayMs(arrival);
    if (delayMs > 0) await new Promise((resolve) => hanging.add(setTimeout(resolve, delayMs)));
    settle(call, arrival, fault);
  });
  const receiver: FaultReceiver = {
    url: server.url,
    arrivals: [],
    faultShare: 0,
    down: false,
    refused: 0,
    delayMs: () => 0,
    onArrival: () => undefined,
    async close() {
      for (const timer of hanging) clearTimeout(timer);
      await server.close();
      await wechat.close();
    },
  };
  return receiver;
}

function toArrival({ body, request }: Arrived): Arrival {
  return {
    msgid: body.msgid,
    openid: body.openid,
    body: JSON.stringify(body),
    text: body.msgs.map(({ content }: { content: string }) => content).join('\n'),
    sender: new URL(request.url ?? '', 'http://receiver').searchParams.get('appname') ?? '',
    atMs: performance.now(),
    outcome: 'open',
  };
}

/** Answers, or fails as asked. */
function settle({ request, response }: Arrived, arrival: Arrival, fault: FaultKind | undefined): void {
  if (request.socket.destroyed) {
    arrival.outcome = 'gone';
    return;
  }
  arrival.outcome = fault ?? 'taken';
  const json = (status: number, body: unknown, headers = {}) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  switch (fault) {
    case undefined:
      response.once('close', () => {
        if (!response.writableFinished) arrival.outcome = 'gone';
      });
      json(200, { errcode: 0, errmsg: 'ok' });
      break;
    case 'status500':
      json(500, { errmsg: 'a fault that was asked for' });
      break;
    case 'retryAfter':
      json(503, { errmsg: 'a fault that was asked for' }, { 'retry-after': '1' });
      break;
    case 'errcode':
      json(200, { errcode: -1, errmsg: 'system busy' });
      break;
    case 'hang':
      break; // the sender hangs up
    case 'cut':
    case 'executed':
      request.socket.destroy();
      break;
    case 'cutInAnswer':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"errcode":0,"err', () => request.socket.destroy());
      break;
    case 'garbage':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>welcome to the hotel network</html>');
  }
}

/**
 * One connection of a bot, from dialling to its end. It is ready once WeCom has acknowledged the subscription; until then
 * nothing else is sent. Every command is acknowledged, by its req_id. A heartbeat is acknowledged like any other: two in
 * a row that are not, and the connection is given up, whatever TCP says of it. It never comes back to life: who wants
 * another opens another (keep-connected.ts).
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { describeError } from '../../errors.ts';
import { type Ack, type Callback, type Command, maxFrameBytes, readFrame, writeFrame } from './frame.ts';
import { createOneAtATime } from './one-at-a-time.ts';

/** Why a connection has ended. */
export type Ending =
  /** WeCom refuses the credentials. */
  | { kind: 'refused'; code: number; reason: string }
  /** Somebody else has subscribed with them. */
  | { kind: 'taken'; reason: string }
  /** Whatever else: the network, a limit, WeCom itself. `code` is WeCom's, or 0. */
  | { kind: 'lost'; code: number; reason: string }
  /** We have closed it. */
  | { kind: 'closed'; reason: string };

export interface ConnectionTimes {
  /** For the handshake, and for an acknowledgement. */
  ackTimeoutMs: number;
  heartbeatMs: number;
}

export const usualTimes: ConnectionTimes = { ackTimeoutMs: 5000, heartbeatMs: 30_000 };

export interface ConnectionOptions extends ConnectionTimes {
  url: string;
  botId: string;
  secret: string;
  /** Asked before each frame: false ends the connection. Who was frozen for long is not who it takes itself for. */
  mayAct(): boolean;
  /** Told of each callback; what it throws ends with it. */
  onCallback(callback: Callback): Promise<void>;
  /** Told that an acknowledged heartbeat came back. */
  onHeartbeat?(): void;
  /** Told of frames that can't be read, and of callbacks that failed. Without anybody's words. */
  onTrouble(reason: string): void;
}

export interface Connection {
  /** Resolves when WeCom has taken the subscription; rejects with an Ended. */
  ready: Promise<void>;
  /** Resolves when it is over, for whatever reason. */
  ended: Promise<Ending>;
  /**
   * Sends a command and waits for its acknowledgement, whatever that says. Throws an Ended, a NotAcknowledged, or the
   * reason of the signal where that was aborted before its turn.
   */
  send(command: Command, signal?: AbortSignal): Promise<Ack>;
  /** Ends it. */
  close(reason: string): void;
  /**
   * Sends nothing more, and ends it once all that was sent is acknowledged, or after `patienceMs`: what becomes of a frame
   * that nobody has heard of is not known.
   */
  finish(reason: string, patienceMs: number): Promise<void>;
}

/** The connection is over. */
export class Ended extends Error {
  readonly ending: Ending;

  constructor(ending: Ending) {
    super(`the connection is over: ${ending.reason}`);
    this.name = 'Ended';
    this.ending = ending;
  }
}

/** A command was sent, and nobody knows what became of it. */
export class NotAcknowledged extends Error {
  constructor(cmd: string) {
    super(`${cmd} was not acknowledged in time`);
    this.name = 'NotAcknowledged';
  }
}

/** Invalid bot_id or secret. */
const badCredentials = 853_000;
/** Nothing that is sent arrives, though the connection is open. */
const notSubscribed = 846_609;
const maxMissedHeartbeats = 2;

export function openConnection(options: ConnectionOptions): Connection {
  const { url, botId, secret, ackTimeoutMs, heartbeatMs, onTrouble } = options;
  const { promise: ended, resolve: resolveEnded } = Promise.withResolvers<Ending>();
  const waiting = new Map<string, PromiseWithResolvers<Ack | Ended | undefined>>();
  const inTurn = createOneAtATime({
    ...{ pauseMs: 1000, maxWaiting: 100, isLost: (error) => error instanceof NotAcknowledged },
  });
  let over: Ending | undefined;
  let lastWords: Ending | undefined; // it is being finished
  let heartbeat: NodeJS.Timeout | undefined;
  const socket = new WebSocket(url, {
    ...{ handshakeTimeout: ackTimeoutMs, maxPayload: maxFrameBytes, perMessageDeflate: false, followRedirects: false },
  });

  function end(ending: Ending): void {
    if (over !== undefined) return;
    over = ending;
    clearInterval(heartbeat);
    socket.terminate();
    for (const { resolve } of [...waiting.values()]) resolve(new Ended(ending));
    resolveEnded(ending);
  }
  const lose = (reason: string, code = 0) => end({ kind: 'lost', code, reason });

  async function post({ cmd, reqId, body }: Command): Promise<Ack> {
    if (over === undefined && !options.mayAct())
      end({ kind: 'closed', reason: 'the bot may be held by another process' });
    if ((over ?? lastWords) !== undefined) throw new Ended((over ?? lastWords)!);
    const answer = Promise.withResolvers<Ack | Ended | undefined>();
    const timer = setTimeout(answer.resolve, ackTimeoutMs, undefined);
    waiting.set(reqId, answer);
    socket.send(writeFrame({ cmd, reqId, ...(body && { body }) }), (error) => error && lose(describeError(error)));
    const ack = await answer.promise.finally(() => {
      clearTimeout(timer);
      waiting.delete(reqId);
    });
    if (ack === undefined) throw new NotAcknowledged(cmd);
    if (ack instanceof Ended) throw ack;
    if (ack.errcode === notSubscribed) {
      lose('WeCom has forgotten the subscription', notSubscribed);
      throw new Ended(over!);
    }
    return ack;
  }
  const send = (command: Command, signal?: AbortSignal) =>
    inTurn.run(command.reqId, () => {
      signal?.throwIfAborted();
      return post(command);
    });

  async function subscribe(): Promise<void> {
    const body = { bot_id: botId, secret };
    const { errcode } = await post({ cmd: 'aibot_subscribe', reqId: `sub-${randomUUID()}`, body });
    if (errcode === badCredentials) end({ kind: 'refused', code: errcode, reason: 'invalid bot_id or secret' });
    else if (errcode !== 0) lose(`the subscription was refused with errcode ${errcode}`, errcode);
    if (over !== undefined) throw new Ended(over);
    heartbeat = setInterval(beat, heartbeatMs);
  }

  let missed = 0;
  function beat(): void {
    const reqId = `ping-${randomUUID()}`;
    const miss = () => ++missed >= maxMissedHeartbeats && lose('heartbeats are not acknowledged');
    post({ cmd: 'ping', reqId }).then(
      ({ errcode }) => {
        if (errcode !== 0) return miss();
        missed = 0;
        options.onHeartbeat?.();
      },
      (error) => error instanceof NotAcknowledged && miss(),
    );
  }

  function take(data: Uint8Array): void {
    if (over !== undefined) return;
    if (!options.mayAct()) {
      end({ kind: 'closed', reason: 'the bot may be held by another process' });
      return;
    }
    const frame = readFrame(data);
    if (frame === undefined) onTrouble(`a frame of ${data.length} bytes can't be read`);
    else if ('ack' in frame) waiting.get(frame.ack.reqId)?.resolve(frame.ack);
    else if (isTakenOver(frame.callback)) end({ kind: 'taken', reason: 'the bot was connected from elsewhere' });
    else Promise.try(options.onCallback, frame.callback).catch((error) => onTrouble(describeError(error)));
  }

  async function finish(reason: string, patienceMs: number): Promise<void> {
    lastWords = { kind: 'closed', reason };
    const answered = Promise.all([...waiting.values()].map(({ promise }) => promise));
    await Promise.race([answered, sleep(patienceMs, undefined, { ref: false })]);
    end(lastWords);
  }

  const opened = Promise.withResolvers<void>();
  socket
    .on('open', opened.resolve)
    .on('message', (data) => take(toBytes(data)))
    .on('error', (error) => lose(describeError(error)))
    .on('close', (code) => lose(`WeCom closed the connection (${code})`))
    .on('unexpected-response', (_request, response) => lose(`the address answered HTTP ${response.statusCode}`));
  const isOver = ended.then((ending) => {
    throw new Ended(ending);
  });
  const ready = Promise.race([opened.promise, isOver])
    .then(subscribe)
    .catch((error) => {
      if (over === undefined) lose(describeError(error));
      throw new Ended(over!);
    });
  ready.catch(() => {});
  isOver.catch(() => {});
  return { ready, ended, send, finish, close: (reason) => end({ kind: 'closed', reason }) };
}

function toBytes(data: Buffer | ArrayBuffer | Buffer[]): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

function isTakenOver({ kind, body }: Callback): boolean {
  const event = (body as { event?: { eventtype?: unknown } | null } | null | undefined)?.event;
  return kind === 'event' && event?.eventtype === 'disconnected_event';
}

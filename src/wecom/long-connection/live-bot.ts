import { CallError } from '../../errors.ts';
import { type Connection, Ended, NotAcknowledged } from './connection.ts';
import { checkAck, isLimit } from './errcodes.ts';
import type { Ack, Command } from './frame.ts';
import type { Quota } from './quota.ts';

/** A bot that this process holds. */
export interface LiveBot {
  integrationId: string;
  /** Undefined: WeCom takes nothing for it at the moment. */
  connection: Connection | undefined;
  quota: Quota;
}

/** The bots that this process holds, by their integrations. */
export type LiveBots = ReadonlyMap<string, LiveBot>;

/** A chat as WeCom counts frames: a group, or a user alone. */
export const chatKey = ({ chatId, userId }: { chatId: string; userId: string }) =>
  chatId === '' ? `user:${userId}` : `chat:${chatId}`;

/** Nothing was sent: the bot is not connected here. */
export class NotConnected extends CallError {
  constructor() {
    super('the bot is not connected', { verdict: 'transient' });
    this.name = 'NotConnected';
  }
}

/**
 * Sends a command and waits until WeCom has taken it. Throws a Refused, a NotConnected, or the signal's reason; what
 * waits for its turn is not sent any more then.
 */
export async function post(
  { connection, quota }: LiveBot,
  { chat, ...command }: Command & { chat: string },
  signal?: AbortSignal,
): Promise<Ack> {
  if (connection === undefined) throw new NotConnected();
  try {
    const ack = await orAborted(connection.send(command, signal), signal);
    checkAck(command.cmd, ack);
    return ack;
  } catch (error) {
    if (isLimit(error)) quota.refused(chat);
    if (error instanceof Ended || error instanceof NotAcknowledged) {
      throw new CallError(error.message, { verdict: 'transient', cause: error });
    }
    throw error;
  }
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  work.catch(() => {}); // it may end after the signal
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', abort));
}

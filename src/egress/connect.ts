import { once } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { codeOf, mishap } from './errors.ts';
import type { Target } from './target.ts';

/** Opens a TCP connection to an IP address. Tests put theirs here, so as to dial no public address. */
export type Dial = (address: string, port: number) => Socket;

export const dialByTcp: Dial = (address, port) => connectTcp({ host: address, port });

/** How many addresses of a name are tried, and how long each may take to connect and then to agree on TLS. */
const maxTries = 4;
const connectTimeoutMs = 10_000;

/** Connects to the first of the target's addresses that takes it, by TLS for https. Throws a CallError. */
export async function connect(target: Target, dial: Dial, signal: AbortSignal): Promise<Socket> {
  const { url, port } = target;
  let last: unknown;
  for (const address of target.addresses.slice(0, maxTries)) {
    signal.throwIfAborted();
    const socket = dial(address, port).on('error', () => {}); // what happens between two awaits is seen later
    try {
      await opened(socket, 'connect', signal);
    } catch (error) {
      last = error;
      continue;
    }
    return url.protocol === 'https:' ? secure(socket, url, signal) : socket;
  }
  signal.throwIfAborted();
  throw mishap(`cannot connect to ${url.hostname} at port ${port}: ${codeOf(last)}`);
}

/** The certificate has to be good for the name in the URL, as a browser would have it. */
async function secure(socket: Socket, url: URL, signal: AbortSignal): Promise<Socket> {
  const host = url.hostname.replace(/^\[(.*)\]$|\.$/, '$1');
  const tls = connectTls({
    socket,
    host,
    servername: isIP(host) ? '' : host,
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: true, // whatever the environment says
  });
  try {
    await opened(
      tls.on('error', () => {}),
      'secureConnect',
      signal,
    );
  } catch (error) {
    signal.throwIfAborted();
    throw mishap(`no TLS connection with ${url.host}: ${codeOf(error)}`);
  }
  return tls;
}

/** Waits for the event; when it does not come in time, the socket is destroyed. */
async function opened(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  const closed = new AbortController();
  const close = () => closed.abort(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
  socket.once('close', close);
  try {
    const limit = AbortSignal.timeout(connectTimeoutMs);
    await once(socket, event, { signal: AbortSignal.any([signal, closed.signal, limit]) });
  } catch (error) {
    socket.destroy();
    throw error instanceof Error && error.name === 'AbortError' && error.cause !== undefined ? error.cause : error;
  } finally {
    socket.off('close', close);
  }
}

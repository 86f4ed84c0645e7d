import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import type { createGrpcTransport } from '@connectrpc/connect-node';
import { dial } from './dial.ts';

export interface SessionLimits {
  /** How long an open connection may hear nothing before it is tried with a ping. */
  pingMs: number;
  /** How long a connection without calls is kept. */
  idleMs: number;
}

/** What the client takes its connections from; the library does not name it. */
type SessionManager = NonNullable<Parameters<typeof createGrpcTransport>[0]['sessionManager']>;

/** The HTTP/2 connections to one origin: one, and those that end with the calls they still have. */
export interface Sessions extends SessionManager {
  /** Ends all calls and connections; from then on none are made. */
  close(): void;
}

interface Connection {
  session: ClientHttp2Session;
  connected: Promise<void>;
  /** When the peer was last heard, and when a call last began or ended. */
  heardMs: number;
  usedMs: number;
  calls: number;
  ping: Promise<void> | undefined;
}

/** Below this a ping that is not answered means that the peer is gone. */
const maxPongMs = 4000;
/** How often a call looks for another connection when the one it got is lost before it could begin. */
const maxTries = 3;

/**
 * Makes connections as they are needed. connect-node has a manager of its own, but an error that its connection
 * reports while it is being replaced ends the process.
 */
export function createSessions(origin: string, limits: SessionLimits): Sessions {
  const connections = new Set<Connection>();
  let current: Connection | undefined;
  let isClosed = false;

  function open(): Connection {
    const session = connect(origin, {
      createConnection: dial,
      settings: { enablePush: false },
    });
    const connected = new Promise<void>((resolve, reject) => {
      session.once('connect', () => resolve());
      session.on('error', reject); // for good: nothing else hears of one that comes later, and its calls are told
      session.once('close', () => reject(lost()));
    });
    connected.catch(() => {}); // those who wait for it are told
    const now = performance.now();
    const connection: Connection = { session, connected, heardMs: now, usedMs: now, calls: 0, ping: undefined };
    const timer = setInterval(() => lookAfter(connection, limits), limits.pingMs).unref();
    session.once('close', () => {
      clearInterval(timer);
      connections.delete(connection);
    });
    session.unref(); // only calls keep the process
    connections.add(connection);
    return connection;
  }

  /** A connection that is alive, as far as can be known. */
  async function getConnection(): Promise<Connection> {
    for (let tries = 0; tries < maxTries; tries++) {
      if (isClosed) break;
      const connection = current !== undefined && isOpen(current) ? current : open();
      current = connection;
      await connection.connected;
      if (performance.now() - connection.heardMs > limits.pingMs) await ping(connection, limits);
      if (isOpen(connection)) return connection;
    }
    throw lost();
  }

  return {
    authority: origin,
    async request(method, path, headers, options) {
      const connection = await getConnection();
      const { session } = connection;
      const stream = session.request({ ...headers, ':method': method, ':path': path }, options ?? {});
      connection.calls += 1;
      connection.usedMs = performance.now();
      session.ref();
      stream.once('response', () => hear(connection));
      stream.once('close', () => {
        connection.calls -= 1;
        connection.usedMs = performance.now();
        if (connection.calls === 0) session.unref();
      });
      return stream;
    },
    notifyResponseByteRead({ session }: ClientHttp2Stream) {
      for (const connection of connections) if (connection.session === session) hear(connection);
    },
    close() {
      isClosed = true;
      for (const { session } of connections) session.destroy(lost());
    },
  };
}

function hear(connection: Connection): void {
  connection.heardMs = performance.now();
}

/** Whether it takes calls: not so when its peer has said that it is leaving. */
function isOpen({ session }: Connection): boolean {
  return !session.closed && !session.destroyed;
}

function lost(code = 'ECONNRESET'): Error {
  return Object.assign(new Error('the connection is lost'), { code });
}

/** Tries a silent connection that has calls, and ends one that nobody uses. */
function lookAfter(connection: Connection, limits: SessionLimits): void {
  const now = performance.now();
  if (connection.calls > 0 && now - connection.heardMs >= limits.pingMs) void ping(connection, limits);
  if (connection.calls === 0 && now - connection.usedMs >= limits.idleMs) connection.session.close();
}

/** Ends a connection whose peer does not answer. One ping at a time. */
function ping(connection: Connection, { pingMs }: SessionLimits): Promise<void> {
  const { session } = connection;
  connection.ping ??= new Promise<void>((resolve) => {
    if (!isOpen(connection)) return resolve();
    const timer = setTimeout(() => session.destroy(lost('ETIMEDOUT')), Math.min(maxPongMs, pingMs)).unref();
    session.ping((error) => {
      clearTimeout(timer);
      if (error === null) hear(connection);
      resolve();
    });
  }).finally(() => {
    connection.ping = undefined;
  });
  return connection.ping;
}

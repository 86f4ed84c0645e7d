import type { Socket } from 'node:net';
import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Client, createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { ExpertService } from '../../../gen/expert/v1/expert_pb.ts';

/** A connection to an engine: made at the first call, and again after it was lost. */
export interface EngineConnection {
  client: Client<typeof ExpertService>;
  /** Ends its calls and its socket. */
  close(): void;
}

export interface ConnectionLimits {
  /** How long an open connection may hear nothing before it is tried with a ping. */
  pingMs: number;
  /** How long a connection without calls is kept. */
  idleMs: number;
}

/** Below this a ping that is not answered means that the engine is gone. */
const maxPongMs = 4000;
const connectTimeoutMs = 10_000;
/** Of one message on the wire. No final of 20,000 characters and its citations is larger. */
const maxMessageBytes = 128 * 1024;
/** The engine's headers and trailers: their number, and of what is kept of a session. */
const maxHeaders = 64;
const maxSessionMb = 2;

/**
 * Prepares a connection with `origin`: HTTP/2 without TLS for http://, and for https:// with the certificates that Node
 * trusts (NODE_EXTRA_CA_CERTS adds to them).
 */
export function connectEngine(origin: string, { pingMs, idleMs }: ConnectionLimits): EngineConnection {
  const sessionManager = new Http2SessionManager(
    origin,
    { pingIntervalMs: pingMs, pingTimeoutMs: Math.min(maxPongMs, pingMs), idleConnectionTimeoutMs: idleMs },
    {
      createConnection: dial,
      maxHeaderListPairs: maxHeaders,
      maxSessionMemory: maxSessionMb,
      settings: { enablePush: false },
    },
  );
  const transport = createGrpcTransport({
    baseUrl: origin,
    sessionManager,
    acceptCompression: [], // nothing that grows when it is read
    readMaxBytes: maxMessageBytes,
  });
  return {
    client: createClient(ExpertService, transport),
    close() {
      // A connection that was being verified is replaced by a new one when it closes.
      const isVerifying = sessionManager.state() === 'verifying';
      sessionManager.abort();
      if (isVerifying) setImmediate(() => sessionManager.abort());
    },
  };
}

/** Opens the socket, in bounded time: all calls wait for the one attempt. */
function dial({ protocol, hostname, port }: URL): Socket {
  const host = hostname.replace(/^\[|\]$/g, '');
  const isTls = protocol === 'https:';
  const target = { host, port: Number(port || (isTls ? 443 : 80)) };
  const socket = isTls
    ? connectTls({
        ...target,
        ...(isIP(host) === 0 && { servername: host }),
        ALPNProtocols: ['h2'],
        rejectUnauthorized: true, // whatever the environment says
      })
    : connectTcp(target);
  const late = Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' });
  const timer = setTimeout(() => socket.destroy(late), connectTimeoutMs).unref();
  const stop = () => clearTimeout(timer);
  socket.once(isTls ? 'secureConnect' : 'connect', stop).once('close', stop);
  return socket;
}

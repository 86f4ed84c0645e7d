import { type Client, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { ExpertService } from '../../../gen/expert/v1/expert_pb.ts';
import { createSessions, type SessionLimits } from './sessions.ts';

/** An engine's client; its connection is made at the first call, and again after it was lost. */
export interface EngineConnection {
  client: Client<typeof ExpertService>;
  /** Ends its calls and its connection, for good. */
  close(): void;
}

/** Of one message on the wire. No final of 20,000 characters and its citations is larger. */
const maxMessageBytes = 128 * 1024;

/** Prepares calls to the engine at `origin`: HTTP/2 without TLS for http://, with it for https://. */
export function connectEngine(origin: string, limits: SessionLimits): EngineConnection {
  const sessionManager = createSessions(origin, limits);
  const transport = createGrpcTransport({
    baseUrl: origin,
    sessionManager,
    acceptCompression: [], // nothing that grows when it is read
    readMaxBytes: maxMessageBytes,
  });
  return { client: createClient(ExpertService, transport), close: () => sessionManager.close() };
}

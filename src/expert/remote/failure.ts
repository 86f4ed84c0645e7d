import { Code, ConnectError } from '@connectrpc/connect';
import { codeOf } from '../../egress/errors.ts';

/**
 * Why a remote engine gave no answer that can be shown. The message is one of few short texts of our own, fit for a
 * metric's label: nothing of what was sent or received.
 */
export class RemoteFailure extends Error {
  /** Whether it speaks against the engine, not against this one question: five such in a row open the circuit. */
  readonly isEngines: boolean;

  constructor(reason: string, { isEngines = true } = {}) {
    super(`remote: ${reason}`);
    this.name = 'RemoteFailure';
    this.isEngines = isEngines;
  }
}

/** What a status of the engine says against the question alone. */
const questionsFault: readonly Code[] = [Code.InvalidArgument, Code.OutOfRange, Code.FailedPrecondition];

/** What an error of a call comes to; `hasBegun`: the engine's headers had come, so that what followed was cut or garbled. */
export function toFailure(error: unknown, hasBegun: boolean): RemoteFailure {
  if (error instanceof RemoteFailure) return error;
  if (error instanceof ConnectError) {
    const { code, metadata, rawMessage } = error;
    if (code === Code.DeadlineExceeded) return new RemoteFailure('deadline');
    if (metadata.has('grpc-status') || metadata.has('grpc-status-details-bin'))
      return new RemoteFailure(nameOf(code), { isEngines: !questionsFault.includes(code) });
    // From here on the text is the library's own.
    if (rawMessage.includes('readMaxBytes')) return new RemoteFailure('too long', { isEngines: false });
  }
  if (hasBegun) return new RemoteFailure('cut stream');
  const socketCode = codeInside(error);
  return new RemoteFailure(socketCode === undefined ? 'no gRPC answer' : `no connection: ${socketCode}`);
}

/** DeadlineExceeded as "deadline exceeded"; a code that is none of gRPC's is unknown. */
function nameOf(code: Code): string {
  return (Code[code] ?? 'Unknown').replace(/(?<!^)[A-Z]/g, ' $&').toLowerCase();
}

/** The code of the innermost error of a socket: the client wraps what it reports. HTTP/2's own say too little. */
function codeInside(error: unknown): string | undefined {
  let found: string | undefined;
  let cause = error;
  for (let depth = 0; depth < 5 && cause instanceof Error; depth++) {
    if ('code' in cause && typeof cause.code === 'string' && !cause.code.startsWith('ERR_HTTP2_'))
      found = codeOf(cause);
    cause = cause.cause;
  }
  return found;
}

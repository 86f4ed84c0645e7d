import { Code, ConnectError } from '@connectrpc/connect';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import type { AppError, Reason } from '../errors.ts';

/** How a reason is told: over JSON by errcode, over Connect and gRPC by code (design section 7). */
export const reasons: Record<Reason, { errcode: number; code: Code; httpStatus: number }> = {
  INVALID_FIELD: { errcode: 40001, code: Code.InvalidArgument, httpStatus: 200 },
  WRONG_SHAPE: { errcode: 40002, code: Code.InvalidArgument, httpStatus: 200 },
  UNAUTHENTICATED: { errcode: 40101, code: Code.Unauthenticated, httpStatus: 200 },
  NOT_FOUND: { errcode: 40401, code: Code.NotFound, httpStatus: 200 },
  CONFLICT: { errcode: 40901, code: Code.AlreadyExists, httpStatus: 200 },
  WRONG_STATE: { errcode: 40901, code: Code.FailedPrecondition, httpStatus: 200 },
  TOO_MUCH: { errcode: 42901, code: Code.ResourceExhausted, httpStatus: 200 },
  INTERNAL: { errcode: 50001, code: Code.Internal, httpStatus: 500 },
  UNAVAILABLE: { errcode: 50301, code: Code.Unavailable, httpStatus: 503 },
};

const domain = 'wxmp-assistant';

/** Where what was too much doesn't tell when there may be room again. */
const defaultRetrySeconds = 1;

/** A refusal as Connect and gRPC tell it: the code (its reason's, unless one is given), and why, in details. */
export function toConnectError(error: AppError, requestId: string, givenCode?: Code): ConnectError {
  const { errcode, code } = reasons[error.reason];
  const retryAfterSeconds = error.retryAfterSeconds ?? (error.reason === 'TOO_MUCH' ? defaultRetrySeconds : undefined);
  const metadata: Record<string, string> = { errcode: String(errcode), request_id: requestId };
  if (retryAfterSeconds !== undefined) metadata.retry_after = String(retryAfterSeconds);
  const result = new ConnectError(error.message, givenCode ?? code, { 'x-request-id': requestId }, [
    { desc: ErrorInfoSchema, value: { reason: error.reason, domain, metadata } },
  ]);
  const [field, ...rule] = error.message.split(': ');
  if (error.reason === 'INVALID_FIELD' && rule.length > 0) {
    const value = { fieldViolations: [{ field: field!, description: rule.join(': ') }] };
    result.details.push({ desc: BadRequestSchema, value });
  }
  if (retryAfterSeconds !== undefined) {
    const value = { retryDelay: { seconds: BigInt(retryAfterSeconds), nanos: 0 } };
    result.details.push({ desc: RetryInfoSchema, value });
  }
  return result;
}

/** A refusal as the JSON routes tell it: the errcode that its details carry, or the one that fits its code. */
export function toEnvelope(error: ConnectError): { httpStatus: number; body: Record<string, unknown> } {
  const info = error.findDetails(ErrorInfoSchema)[0];
  const { errcode, httpStatus } = reasons[isReason(info?.reason) ? info.reason : reasonOfCode(error.code)];
  const retryAfter = info?.metadata.retry_after;
  return {
    httpStatus,
    body: {
      errcode,
      errmsg: error.rawMessage,
      ...(retryAfter === undefined ? {} : { retry_after: Number(retryAfter) }),
    },
  };
}

function isReason(text: string | undefined): text is Reason {
  return text !== undefined && Object.hasOwn(reasons, text);
}

/** The reason that fits a code that Connect itself raised. */
export function reasonOfCode(code: Code): Reason {
  switch (code) {
    case Code.InvalidArgument:
    case Code.OutOfRange:
      return 'INVALID_FIELD';
    case Code.Unauthenticated:
    case Code.PermissionDenied:
      return 'UNAUTHENTICATED';
    case Code.NotFound:
      return 'NOT_FOUND';
    case Code.AlreadyExists:
    case Code.FailedPrecondition:
    case Code.Aborted:
      return 'CONFLICT';
    case Code.ResourceExhausted:
      return 'TOO_MUCH';
    case Code.Unavailable:
    case Code.DeadlineExceeded:
    case Code.Canceled:
      return 'UNAVAILABLE';
    default:
      return 'INTERNAL';
  }
}

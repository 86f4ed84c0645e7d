import { createValidator, type Validator } from '@bufbuild/protovalidate';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { checkRules } from '../check-rules.ts';
import type { Context } from '../context.ts';
import { AppError, describeError } from '../errors.ts';
import type { Admission } from './admission/admission.ts';
import { reasonOfCode, toConnectError } from './errors.ts';
import { requestIdHeader } from './request-id.ts';

/** What surrounds every call, outermost first: observe (log, metrics, errors), deadline, admission, validate. */
export function createInterceptors(context: Context, admission?: Admission): Interceptor[] {
  const admit = admission === undefined ? [] : [admission.interceptor];
  return [observe(context), limitTime(context.config.REQUEST_TIMEOUT_MS), ...admit, validate(createValidator())];
}

/**
 * Logs and measures the call, and turns what it throws into what its caller may see. Only AppErrors
 * speak; a failing database is UNAVAILABLE; all else is INTERNAL with the id under which the log has the rest.
 */
function observe({ logger, metrics, database }: Context): Interceptor {
  return (next) => async (request) => {
    const requestId = request.header.get(requestIdHeader) ?? '';
    const method = `${request.service.typeName}/${request.method.name}`;
    const startedMs = performance.now();
    const finish = (code: string, fields: Record<string, unknown> = {}) => {
      const durationMs = Math.round(performance.now() - startedMs);
      metrics.calls.observe({ method, code }, durationMs / 1000);
      const level = code === 'internal' || code === 'unavailable' ? 'error' : 'debug';
      logger[level]({ requestId, method, code, durationMs, ...fields }, 'call');
    };
    const fail = (error: unknown): ConnectError => {
      const told = toTold(error, requestId, database.dialect.isTransient);
      finish(codeName(told.code), {
        error: describeError(error),
        detail: error instanceof AppError ? error.detail : undefined,
      });
      return told;
    };
    try {
      const response = await next(request);
      if (!response.stream) {
        finish('ok');
        return response;
      }
      return { ...response, message: watchStream(response.message, finish, fail) };
    } catch (error) {
      throw fail(error);
    }
  };
}

/** A stream that is not read to its end was left by its caller. */
async function* watchStream<T>(
  messages: AsyncIterable<T>,
  finish: (code: string) => void,
  fail: (error: unknown) => Error,
) {
  let isOver = false;
  try {
    yield* messages;
    isOver = true;
    finish('ok');
  } catch (error) {
    isOver = true;
    throw fail(error);
  } finally {
    if (!isOver) finish('canceled');
  }
}

function toTold(error: unknown, requestId: string, isTransient: (error: unknown) => boolean): ConnectError {
  if (error instanceof AppError) return toConnectError(error, requestId);
  if (error instanceof ConnectError) {
    return toConnectError(new AppError(reasonOfCode(error.code), error.rawMessage), requestId, error.code);
  }
  const reason = isTransient(error) ? 'UNAVAILABLE' : 'INTERNAL';
  const text = reason === 'UNAVAILABLE' ? 'not available at the moment, try again' : 'internal error';
  return toConnectError(new AppError(reason, `${text} (request ${requestId})`), requestId);
}

/**
 * Ends a unary call after `timeoutMs`, and when its caller waits no longer. What it still waits for has time-outs of
 * its own.
 */
function limitTime(timeoutMs: number): Interceptor {
  return (next) => async (request) => {
    if (request.stream || request.method.methodKind !== 'unary') return next(request);
    const { signal } = request;
    const { promise: over, reject } = Promise.withResolvers<never>();
    const error = new ConnectError(`took longer than ${timeoutMs} ms`, Code.DeadlineExceeded);
    const timer = setTimeout(() => reject(error), timeoutMs);
    const leave = () => reject(ConnectError.from(signal.reason, Code.Canceled));
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([over, next(request)]);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Holds requests against the rules of the contract. */
function validate(validator: Validator): Interceptor {
  return (next) => async (request) => {
    if (!request.stream) {
      checkRules(validator, request.method.input, request.message);
      return next(request);
    }
    const { message, method } = request;
    async function* checked() {
      for await (const each of message) {
        checkRules(validator, method.input, each);
        yield each;
      }
    }
    return next({ ...request, message: checked() });
  };
}

function codeName(code: Code): string {
  return Code[code].replace(/[A-Z]/g, (letter, at: number) => (at > 0 ? '_' : '') + letter.toLowerCase());
}

import type { DescService } from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter, type Interceptor, type ServiceImpl } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { file_grpc_health_v1_health } from '../../gen/grpc/health/v1/health_pb.ts';
import type { Context } from '../context.ts';
import { AppError, describeError } from '../errors.ts';
import { createAdmission } from './admission/admission.ts';
import { createAuth } from './auth.ts';
import { checkLength, connectReadMaxBytes, limitBodies, limitedCompressions } from './body-limit.ts';
import { toConnectError } from './errors.ts';
import { createHealth, type Health } from './health.ts';
import { createInterceptors } from './interceptors.ts';
import { createJsonRoutes, type Served, writeJson } from './json-routes.ts';
import { listenOnePort, type OnePort, type OnePortRequest, type OnePortResponse } from './one-port.ts';
import { operatorPages } from './operator-pages.ts';
import { createHealthCheck } from './readiness.ts';
import { registerReflection } from './reflection.ts';
import { requestIdHeader, setRequestId } from './request-id.ts';

/** The listener for the WeChat side, internal services and operators. */
export interface InternalListener extends OnePort {
  health: Health;
  /** Makes the health tell whether the service can do its work now. */
  checkHealth(): Promise<void>;
}

/** Types a service's implementation away, so that services of all kinds fit one list. */
export function serve<Service extends DescService>(service: Service, implementation: ServiceImpl<Service>): Served {
  return { service, implementation };
}

/** Serves the contract over JSON, Connect, gRPC-Web and gRPC, with health, reflection and the operators' pages. */
export async function startInternalListener(context: Context, services: Served[]): Promise<InternalListener> {
  const { config, logger } = context;
  const admission = createAdmission(context);
  const interceptors = createInterceptors(context, admission);
  const auth = createAuth(config);
  const health = createHealth(services.map(({ service }) => service.typeName));
  const limits = { maxBodyBytes: config.MAX_BODY_BYTES, bodyTimeoutMs: config.REQUEST_TIMEOUT_MS };
  const jsonRoutes = createJsonRoutes(services, { ...limits, auth, admission, interceptors });
  const pages = operatorPages(context);
  const connect = connectNodeAdapter({
    routes: (router) => {
      registerServices(router, services, health, interceptors, config.REQUEST_TIMEOUT_MS);
      limitBodies(router, config.MAX_BODY_BYTES);
    },
    readMaxBytes: connectReadMaxBytes,
    acceptCompression: limitedCompressions(config.MAX_BODY_BYTES),
    requestGate: ({ method, requestHeader }) => {
      if (!auth.exists(method)) throw new ConnectError('not available here', Code.Unimplemented);
      try {
        auth.check(method, requestHeader.get('authorization'));
        admission.checkRoom(method);
        checkLength(requestHeader, config.MAX_BODY_BYTES);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        throw toConnectError(error, requestHeader.get(requestIdHeader) ?? '');
      }
    },
  });
  const onRequest = (request: OnePortRequest, response: OnePortResponse) => {
    setRequestId(request, response);
    admission.begin();
    response.once('close', admission.end);
    if (jsonRoutes(request, response) || pages(request, response)) return;
    if (request.url?.startsWith('/api/')) writeJson(response, 404, { errcode: 40401, errmsg: 'no such path' });
    else connect(request, response);
  };
  const port = await listenOnePort({
    ...config.HTTP_ADDR,
    onRequest,
    sniffTimeoutMs: config.REQUEST_TIMEOUT_MS,
    headersTimeoutMs: config.REQUEST_TIMEOUT_MS,
    // Twice, so that what has limits of its own (JSON bodies, reflection) says by itself why it ends.
    requestTimeoutMs: 2 * config.REQUEST_TIMEOUT_MS,
    maxConnections: config.MAX_CONNECTIONS,
    onError: (error) => logger.error({ error: describeError(error) }, 'a request failed outside of a call'),
  });
  return { ...port, health, checkHealth: createHealthCheck(context, health) };
}

function registerServices(
  router: ConnectRouter,
  services: Served[],
  health: Health,
  interceptors: Interceptor[],
  maxReflectionMs: number,
): void {
  for (const { service, implementation } of services) router.service(service, implementation, { interceptors });
  health.routes(router);
  const files = [...services.map(({ service }) => service.file), file_grpc_health_v1_health];
  registerReflection(router, files, maxReflectionMs);
}

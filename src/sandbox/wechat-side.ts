import { BizcommService } from '../../gen/wxmp/bizcomm/v1/bizcomm_pb.ts';
import type { Address } from '../config-values.ts';
import { serve } from '../rpc/internal-listener.ts';
import { type AnyRequest, type AnyResponse, createJsonRoutes, writeJson } from '../rpc/json-routes.ts';
import { listenOnePort } from '../rpc/one-port.ts';
import type { SandboxMessage } from './articles/types.ts';
import { bizcommService } from './bizcomm-service.ts';
import { createControls } from './controls.ts';
import { createWechatState, type Fault, takeFault, type WechatState } from './wechat-state.ts';
import { createWecomRoutes } from './wecom/routes.ts';
import { createFrameRoutes, socketPath } from './wecom/socket/frame-routes.ts';
import { createSocketSide, type SocketSide, type SocketSideOptions } from './wecom/socket/socket-side.ts';

/** A running stand-in for the WeChat side. */
export interface WechatSide {
  url: string;
  state: WechatState;
  /** Where WeCom bots connect, and what becomes of their frames. */
  socketUrl: string;
  sockets: SocketSide;
  close(): Promise<void>;
}

/** Starts the stand-in WeChat side. */
export async function startWechatSide(
  address: Address,
  messages: readonly SandboxMessage[],
  socketOptions: SocketSideOptions = {},
): Promise<WechatSide> {
  const state = createWechatState(messages);
  let url = '';
  const limits = { maxBodyBytes: 4 * 1024 * 1024, bodyTimeoutMs: 10_000 };
  const routes = createJsonRoutes(
    [
      serve(
        BizcommService,
        bizcommService(state, () => url),
      ),
    ],
    {
      ...limits,
      interceptors: [],
    },
  );
  const controls = createControls(state);
  const sockets = createSocketSide(socketOptions);
  const own = [controls, createWecomRoutes(() => url), createFrameRoutes(sockets)];
  const port = await listenOnePort({
    ...address,
    onRequest: (request, response) => {
      const method = /^\/innerapi\/bizcomm\/(\w+)/.exec(request.url ?? '')?.[1];
      const fault = method === undefined ? undefined : takeFault(state, method);
      if (fault !== undefined) fail(fault, request, response);
      else if (!routes(request, response) && !own.some((serves) => serves(request, response))) {
        writeJson(response, 404, { errcode: 40401, errmsg: 'no such path' });
      }
    },
    onWebSocket: { path: socketPath, take: sockets.upgrade },
    sniffTimeoutMs: 10_000,
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 20_000,
  });
  url = `http://${port.host}:${port.port}`;
  const close = async () => {
    sockets.close();
    await port.close(1000);
  };
  return { url, state, sockets, socketUrl: `ws://${port.host}:${port.port}${socketPath}`, close };
}

function fail(fault: Fault, request: AnyRequest, response: AnyResponse): void {
  request.resume();
  const { kind, status, errcode, retryAfterSeconds } = fault;
  const headers: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  if (kind === 'http') writeJson(response, status, { errmsg: 'a fault that was asked for' }, headers);
  if (kind === 'errcode') writeJson(response, 200, { errcode, errmsg: 'a fault that was asked for' }, headers);
  if (kind === 'cut') request.socket.destroy();
}

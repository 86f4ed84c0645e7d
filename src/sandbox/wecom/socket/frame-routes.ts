import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import { HttpRefusal, readJsonObject } from '../../../rpc/body.ts';
import { type AnyRequest, type AnyResponse, writeJson } from '../../../rpc/json-routes.ts';
import { keepIn } from '../keep-in.ts';
import type { SocketSide } from './socket-side.ts';

/** Where bots connect. */
export const socketPath = '/sandbox/wecom/ws';

const maxBots = 2000;
const limits = { maxBodyBytes: 256 * 1024, bodyTimeoutMs: 10_000 };

const botSchema = z.object({ bot_id: z.string().min(1).max(128), secret: z.string().min(1).max(256) });

const frameSchema = z.object({
  bot_id: z.string().min(1).max(128),
  message: z.looseObject({
    msgtype: z.string().min(1).max(32),
    chattype: z.enum(['single', 'group']).optional(),
    chatid: z.string().min(1).max(128).optional(),
    from: z.looseObject({ userid: z.string().min(1).max(128) }).optional(),
    event: z.looseObject({ eventtype: z.string() }).optional(),
  }),
});

/** What `say` and others ask of the connections, see README.md. False: the path is none of them. */
export function createFrameRoutes(side: SocketSide) {
  return (request: AnyRequest, response: AnyResponse): boolean => {
    const [pathname = '', query] = (request.url ?? '').split('?', 2);
    const isPost = request.method === 'POST';
    if (pathname === '/sandbox/wecom/bots' && isPost) {
      void answer(request, response, (body) => addBot(side, body));
    } else if (pathname === '/sandbox/wecom/bots') {
      const bots = [...side.secrets.keys()].map((id) => ({ bot_id: id, is_connected: side.isConnected(id) }));
      writeJson(response, 200, { bots });
    } else if (pathname === '/sandbox/wecom/frames' && isPost) {
      void answer(request, response, (body) => sendFrame(side, body));
    } else if (pathname === '/sandbox/wecom/frames') {
      const asked = new URLSearchParams(query);
      const frames = side.framesOf(asked.get('req_id') ?? '', Number(asked.get('after') ?? 0));
      if (frames === undefined) writeJson(response, 404, { errmsg: 'no such req_id' });
      else writeJson(response, 200, { frames });
    } else return false;
    return true;
  };
}

function addBot({ secrets }: SocketSide, body: unknown): object {
  const { bot_id: botId, secret } = botSchema.parse(body);
  keepIn(secrets, botId, secret, maxBots);
  return {};
}

function sendFrame(side: SocketSide, body: unknown): object {
  const { bot_id: botId, message } = frameSchema.parse(body);
  const sent = side.tell(botId, message);
  if (sent === undefined) throw new HttpRefusal(409, 'the bot is not connected');
  return { req_id: sent.reqId, after: sent.n };
}

async function answer(request: AnyRequest, response: AnyResponse, work: (body: unknown) => object): Promise<void> {
  try {
    writeJson(response, 200, work(await readJsonObject(request, limits)));
  } catch (error) {
    const status = error instanceof HttpRefusal ? error.status : 400;
    const isBad = error instanceof z.ZodError || error instanceof AppError || error instanceof HttpRefusal;
    writeJson(response, isBad ? status : 500, { errmsg: isBad ? error.message : 'internal error' });
  }
}

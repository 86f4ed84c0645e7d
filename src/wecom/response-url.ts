import { Agent, request } from 'undici';
import type { Context } from '../context.ts';
import { NotYet, type Sender } from '../dispatch/dispatch.ts';
import { CallError, describeError } from '../errors.ts';
import { cutToBytes, maxContentBytes } from './content.ts';
import { addError } from './integration/status-store.ts';
import { findStream, loadSealedUrl, takeFinal } from './stream-store.ts';

/** WeCom asks for a stream about once a second: after so long without, it asks no more. */
const quietMs = 10_000;

const maxAnswerBytes = 64 * 1024;

/** The payload of a dispatch: what a stream was to say. */
interface Response {
  streamId: string;
  text: string;
}

/** The connections to where response_urls lead. Its owner closes it. */
export const createResponseAgent = () => new Agent({ maxResponseSize: maxAnswerBytes });

/**
 * Says an answer by its response_url, once nobody fetches it any more. The address takes one call: it is claimed before
 * that, and what became of a call that was cut off is not found out by another.
 */
export function createResponseSender(context: Pick<Context, 'database' | 'sealer' | 'config'>, agent: Agent): Sender {
  const { database, sealer, config } = context;
  return async ({ payload, integrationId }, signal) => {
    const { streamId, text } = JSON.parse(payload) as Response;
    const stream = await findStream(database, streamId);
    if (stream === undefined || stream.state === 'fetched') return;
    if (stream.state === 'sent') throw new CallError('the response_url was used before', { verdict: 'closed' });
    if (!stream.isClosed && stream.quietMs < quietMs) throw new NotYet(quietMs - stream.quietMs + 100);
    const sealed = await loadSealedUrl(database, streamId);
    if (sealed === '') throw new CallError('nobody fetches it, and there is no response_url', { verdict: 'closed' });
    const url = sealer.open(sealed, `stream:${streamId}`);
    checkUrl(url, config.WECOM_API_HOSTS);
    if (!(await database.tx((tx) => takeFinal(tx, streamId, 'sent')))) return; // fetched in this moment
    const body = JSON.stringify({ msgtype: 'markdown', markdown: { content: cutToBytes(text, maxContentBytes).head } });
    await post(agent, url, body, signal).catch(async (error: CallError) => {
      const reason = describeError(error);
      await database.tx((tx) => addError(tx, integrationId, { code: codeOf(error), what: 'response_url', reason }));
      throw error;
    });
  };
}

/** An address that came with a message is called only where it leads to WeCom. */
export function checkUrl(text: string, hosts: readonly string[]): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isNamed = url !== undefined && hosts.includes(url.host) && url.username === '' && url.password === '';
  const isOpen = url?.protocol === 'http:' && url.port !== '' && isNamed; // named with its port: for private deployments
  if (!isNamed || (url.protocol !== 'https:' && !isOpen)) {
    throw new CallError('the response_url does not lead to WECOM_API_HOSTS', { verdict: 'permanent' });
  }
}

/** The address was called, and so is spent; `errcode` is what WeCom said of it, or 0. */
class Spent extends CallError {
  readonly errcode: number;

  constructor(message: string, errcode = 0, cause?: unknown) {
    super(message, { verdict: 'permanent', cause });
    this.name = 'Spent';
    this.errcode = errcode;
  }
}

const codeOf = (error: unknown): number => (error instanceof Spent ? error.errcode : 0);

async function post(dispatcher: Agent, url: string, body: string, signal: AbortSignal): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await request(url, { method: 'POST', headers, body, signal, dispatcher }).catch((error) => {
    throw new Spent('the response_url was called, and what became of it is not known', 0, error);
  });
  const text = await answer.body.text().catch(() => '');
  if (answer.statusCode !== 200) throw new Spent(`the response_url answered HTTP ${answer.statusCode}`);
  const errcode = readErrcode(text);
  if (errcode !== 0) throw new Spent(`the response_url answered errcode ${errcode ?? '(none)'}`, errcode);
}

function readErrcode(text: string): number | undefined {
  try {
    const { errcode } = JSON.parse(text) as { errcode?: unknown };
    return typeof errcode === 'number' ? errcode : undefined;
  } catch {
    return undefined;
  }
}

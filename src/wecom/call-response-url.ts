import { Agent, request } from 'undici';
import { CallError } from '../errors.ts';

const maxAnswerBytes = 64 * 1024;

/** The connections to where response_urls lead. Its owner closes it. */
export const createResponseAgent = () => new Agent({ maxResponseSize: maxAnswerBytes });

/** Makes a function that checks an address, and gives the one that says a text by it; `id` is what feedback names. */
export function createResponseCall(hosts: readonly string[], agent: Agent) {
  return (url: string) => {
    checkUrl(url, hosts);
    return (content: string, id: string, signal: AbortSignal) =>
      post(agent, url, JSON.stringify({ msgtype: 'markdown', markdown: { content, feedback: { id } } }), signal);
  };
}

/** An address that came with a message is called only where it leads to WeCom. */
function checkUrl(text: string, hosts: readonly string[]): void {
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
  /** False: what became of the call is not known. */
  readonly isRefusal: boolean;

  constructor(
    message: string,
    { errcode = 0, isRefusal = false, cause }: Partial<Pick<Spent, 'errcode' | 'isRefusal' | 'cause'>>,
  ) {
    super(message, { verdict: 'permanent', cause });
    this.name = 'Spent';
    this.errcode = errcode;
    this.isRefusal = isRefusal;
  }
}

/** Whether a call was answered with a refusal: nothing of it was shown. */
export const isRefusal = (error: unknown): boolean => error instanceof Spent && error.isRefusal;

/** No call was made: nobody was reached. */
export class NotMade extends CallError {
  constructor(cause: unknown) {
    super('the host of the response_url was not reached', { verdict: 'transient', cause });
    this.name = 'NotMade';
  }
}

/** What an error is called by undici and Node that has happened before anything was sent. */
const unreached = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'];

/** What WeCom said of a call that failed; 0: nothing. */
export const codeOf = (error: unknown): number => (error instanceof Spent ? error.errcode : 0);

async function post(dispatcher: Agent, url: string, body: string, signal: AbortSignal): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await request(url, { method: 'POST', headers, body, signal, dispatcher }).catch((error) => {
    if (unreached.includes((error as { code?: string }).code ?? '')) throw new NotMade(error);
    throw new Spent('the response_url was called, and what became of it is not known', { cause: error });
  });
  const text = await answer.body.text().catch(() => '');
  if (answer.statusCode !== 200) throw new Spent(`the response_url answered HTTP ${answer.statusCode}`, {});
  const errcode = readErrcode(text);
  if (errcode !== 0) {
    const isRefusal = errcode !== undefined;
    throw new Spent(`the response_url answered errcode ${errcode ?? '(none)'}`, { errcode: errcode ?? 0, isRefusal });
  }
}

function readErrcode(text: string): number | undefined {
  try {
    const { errcode } = JSON.parse(text) as { errcode?: unknown };
    return typeof errcode === 'number' ? errcode : undefined;
  } catch {
    return undefined;
  }
}

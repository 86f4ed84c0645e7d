/**
 * Sends questions in a process of its own, in an open loop: so many a second, whether they are answered or not. Prints,
 * as JSON, what became of them. Settings: FLOOD_URL, FLOOD_APPID, FLOOD_PER_SECOND, FLOOD_SECONDS, FLOOD_USERS.
 */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What became of a flood. */
export interface FloodResult {
  sent: number;
  /** The msgids that were acknowledged. */
  accepted: string[];
  refused: number;
  /** Refusals without a `retry_after` of whole seconds. */
  withoutRetryAfter: number;
  /** Answers that are neither, by errcode or error. */
  others: Record<string, number>;
  /** How long the refusals took, as quantiles in milliseconds. */
  refusedMs: { half: number; most: number };
}

const env = process.env;
const url = new URL('/api/wxmp/message/notify', env.FLOOD_URL);
const perSecond = Number(env.FLOOD_PER_SECOND);
const seconds = Number(env.FLOOD_SECONDS);
const users = Number(env.FLOOD_USERS);
const agent = new Agent({ keepAlive: true });

const result: FloodResult = {
  ...{ sent: 0, accepted: [], refused: 0, withoutRetryAfter: 0, others: {}, refusedMs: { half: 0, most: 0 } },
};
const refusedMs: number[] = [];
const open = new Set<Promise<void>>();

const startedMs = performance.now();
for (;;) {
  const elapsed = (performance.now() - startedMs) / 1000;
  if (elapsed >= seconds) break;
  while (result.sent < elapsed * perSecond) {
    const call = send(result.sent++).finally(() => open.delete(call));
    open.add(call);
  }
  await sleep(5);
}
await Promise.all(open);
refusedMs.sort((a, b) => a - b);
const at = (share: number) => Math.round(refusedMs[Math.floor((refusedMs.length - 1) * share)] ?? 0);
result.refusedMs = { half: at(0.5), most: at(0.99) };
process.stdout.write(JSON.stringify(result));
agent.destroy();

async function send(number: number): Promise<void> {
  const msgid = `flood-${number}`;
  const text = { content: number % 2 === 0 ? '成人票多少钱？' : '停车场怎么收费？' };
  const body = { appid: env.FLOOD_APPID, openid: `user-${number % users}`, msgid, msg_type: 'text', text };
  const sentMs = performance.now();
  try {
    const { errcode, retry_after } = JSON.parse(await post(JSON.stringify(body)));
    if (errcode === 0) result.accepted.push(msgid);
    else if (errcode === 42901) {
      result.refused++;
      refusedMs.push(performance.now() - sentMs);
      if (!(Number.isInteger(retry_after) && retry_after >= 1)) result.withoutRetryAfter++;
    } else count(String(errcode));
  } catch (error) {
    count(error instanceof Error && 'code' in error ? String(error.code) : String(error));
  }
}

function count(what: string): void {
  result.others[what] = (result.others[what] ?? 0) + 1;
}

function post(body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const call = request(url, { method: 'POST', agent, headers, timeout: 60_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.once('end', () => resolve(text)).once('error', reject);
    });
    call.once('timeout', () => call.destroy(new Error('no answer within 60 s')));
    call.once('error', (error: NodeJS.ErrnoException) => {
      // The server closed the connection, which had been idle, just when the call was sent: it was not heard.
      if (call.reusedSocket && error.code === 'ECONNRESET') post(body).then(resolve, reject);
      else reject(error);
    });
    call.end(body);
  });
}

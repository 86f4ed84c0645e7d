/** `say --long`: has the sandbox tell the bot by its connection, and prints what the bot's frames say. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxBot } from './bot-file.ts';
import { BadAnswer } from './caller.ts';
import { createFrameView } from './frame-view.ts';
import { showResponse, takeResponseUrl, toMessage } from './message.ts';
import type { SayOptions } from './options.ts';
import type { Printer } from './print.ts';
import type { SaidFrame } from './socket/frame-log.ts';

const lookEveryMs = 300;
/** A bot that was just started takes its time to connect. */
const connectMs = 20_000;
/** A bot shows at once that it has heard. */
const silentMs = 10_000;
/** A bubble ends after five and a half minutes; the answer that follows it may need so long. */
const bubbleMs = 5 * 60_000;
const lateMs = 60_000;
const giveUpMs = 12 * 60_000;

/** Says it, and prints all that comes; false: nothing, or only a part. Throws a BadAnswer where no bot is connected. */
export async function converseLong(bot: SandboxBot, options: SayOptions, printer: Printer): Promise<boolean> {
  const { user, chat, enters, waitMs } = options;
  const place = { from: { userid: user }, ...(chat === undefined ? { chattype: 'single' } : chatOf(chat)) };
  const responseUrl = await takeResponseUrl(bot);
  const enter = { msgtype: 'event', event: { eventtype: 'enter_chat' } };
  const message = enters ? enter : { ...(await toMessage(bot, options)), response_url: responseUrl };
  const { req_id: reqId, after } = await tell(bot, { ...place, ...message });
  const view = createFrameView(printer, (line) => void process.stderr.write(`${line}\n`));
  const startedMs = performance.now();
  let lastMs = startedMs;
  let seen = after;
  for (;;) {
    const frames = await framesOf(bot, reqId, seen);
    for (const frame of frames) view.show(frame);
    seen = frames.at(-1)?.n ?? seen;
    const nowMs = performance.now();
    if (frames.length > 0) lastMs = nowMs;
    const isLate = nowMs - startedMs >= bubbleMs;
    const quietMs = view.hasSaid() ? (isLate ? Math.max(lateMs, waitMs) : waitMs) : silentMs;
    if (!view.isOpen() && nowMs - lastMs >= quietMs) break;
    if (nowMs - startedMs >= giveUpMs) break;
    await sleep(lookEveryMs);
  }
  printer.end();
  const came = await showResponse(bot, responseUrl, 0, printer);
  if (!view.hasSaid() && !came) {
    printer.line('(nothing is said to that, or it is part of the question before)');
  }
  return came || (view.hasSaid() && !view.isOpen());
}

const chatOf = (chatid: string) => ({ chattype: 'group', chatid });

/** Tells the bot, once it is connected. */
async function tell({ sandboxUrl, long }: SandboxBot, message: object): Promise<{ req_id: string; after: number }> {
  if (long === undefined) throw new BadAnswer('there is no bot with a long connection yet: start `make run` again');
  const endMs = performance.now() + connectMs;
  for (let isFirst = true; ; isFirst = false) {
    const response = await fetch(`${sandboxUrl}/sandbox/wecom/frames`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ bot_id: long.botId, message }),
    });
    const answer = (await response.json()) as { req_id: string; after: number; errmsg: string };
    if (response.ok) return answer;
    if (response.status !== 409) throw new BadAnswer(`the sandbox answers HTTP ${response.status}: ${answer.errmsg}`);
    if (performance.now() >= endMs)
      throw new BadAnswer(`no bot is connected to ${sandboxUrl}: is it bound and enabled?`);
    if (isFirst) process.stderr.write('the bot is not connected yet; waiting …\n');
    await sleep(lookEveryMs);
  }
}

async function framesOf({ sandboxUrl }: SandboxBot, reqId: string, after: number): Promise<SaidFrame[]> {
  const query = new URLSearchParams({ req_id: reqId, after: String(after) });
  const response = await fetch(`${sandboxUrl}/sandbox/wecom/frames?${query}`);
  const { frames = [] } = (await response.json()) as { frames?: SaidFrame[] };
  return frames;
}

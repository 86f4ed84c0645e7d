import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config.ts';
import { botFileOf, readBot, type SandboxBot } from './bot-file.ts';
import { BadAnswer, type Caller, createCaller, type Frame } from './caller.ts';
import { showResponse, takeResponseUrl, toMessage } from './message.ts';
import { readOptions, type SayOptions, usage } from './options.ts';
import { createPrinter, type Printer, showCard } from './print.ts';
import { converseLong } from './say-long.ts';

const pollEveryMs = 1000;

/** WeCom fetches for so long from the message on. */
const pollForMs = 6 * 60 * 1000;

/** What was cut off by the end of that comes by the response_url. */
const lateMs = 60_000;

/** `say`: see options.ts. Returns the exit code: 0 where the bot has said something. */
export async function say(config: Config, args: string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    process.stderr.write(usage);
    return 0;
  }
  const bot = readBot(botFileOf(config));
  if (bot === undefined || bot.callbackUrl === '') {
    process.stderr.write(`there is no bot in ${botFileOf(config)}: start \`make run\` first\n`);
    return 1;
  }
  const printer = createPrinter((text) => void process.stdout.write(text));
  try {
    return (await (options.isLong ? converseLong : converse)(bot, options, printer)) ? 0 : 1;
  } catch (error) {
    printer.end();
    process.stderr.write(`${tell(error, options.isLong ? bot.sandboxUrl : (options.bot ?? bot.callbackUrl))}\n`);
    return 1;
  }
}

function tell(error: unknown, url: string): string {
  if (error instanceof BadAnswer) return error.message;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
  return `neither the bot at ${url} nor the sandbox may be there; is \`make run\` running? (${cause})`;
}

/** Says it, and prints all that comes; false: nothing came. */
async function converse(bot: SandboxBot, options: SayOptions, printer: Printer): Promise<boolean> {
  const caller = createCaller(options.bot ?? bot.callbackUrl, bot);
  const place = { userid: options.user, chatid: options.chat };
  const enter = { msgtype: 'event', event: { eventtype: 'enter_chat' } };
  const responseUrl = await takeResponseUrl(bot);
  const message = options.enters ? enter : { ...(await toMessage(bot, options)), response_url: responseUrl };
  const startedMs = performance.now();
  let frame = await caller.call(place, message);
  if (frame === undefined) printer.line('(nothing is said to that, or it is part of the question before)');
  const isStream = frame?.stream !== undefined;
  if (frame !== undefined && options.polls) {
    show(frame, printer);
    frame = await poll(caller, place, frame, printer, startedMs + pollForMs);
  } else if (frame !== undefined && (!isStream || frame.stream!.finish)) show(frame, printer);
  printer.end();
  if (!isStream) return frame !== undefined;
  const isCutOff = options.polls && !frame!.stream!.finish;
  const isOver = !options.polls && frame!.stream!.finish; // a fixed text: nothing follows
  const came = isOver ? true : await showResponse(bot, responseUrl, isCutOff ? lateMs : options.waitMs, printer);
  return came || (options.polls && frame!.stream!.finish);
}

/** Fetches a stream until it is finished, or its time is over. */
async function poll(
  caller: Caller,
  place: Parameters<Caller['call']>[0],
  first: Frame,
  printer: Printer,
  untilMs: number,
): Promise<Frame> {
  let frame = first;
  while (frame.stream?.finish === false && performance.now() < untilMs) {
    await sleep(pollEveryMs);
    const { id } = frame.stream;
    const next = await caller.call(place, { msgtype: 'stream', stream: { id } });
    if (next?.stream === undefined) continue; // nothing new
    if (next.stream.id !== id) throw new BadAnswer('the bot answers with another stream than was asked for');
    show(next, printer);
    frame = next;
  }
  return frame;
}

function show({ stream, text, template_card: card }: Frame, printer: Printer): void {
  if (stream !== undefined) printer.grow(stream.content);
  if (text !== undefined) printer.line(text.content);
  if (card !== undefined) printer.line(showCard(card));
}

import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '../../operator-commands.ts';

export const usage = `wxmp-assistant say [options] <text>

Says something to the WeCom bot of \`make run\` as a user, and prints the answer while it grows. It is WeCom's side: it
signs and encrypts the callback, fetches the answer once a second, and prints what comes by the response_url.
向 \`make run\` 的企业微信机器人发送一条消息，并随生成过程打印回答。它扮演企业微信：签名、加密回调，每秒拉取一次，并打印 response_url 收到的消息。

  --user <userid>    who says it; visitor unless given                        发送者，默认 visitor
  --chat <chatid>    in this group, where the bot is mentioned                在该群里发送，自动 @ 机器人
  --long             to the bot with a long connection, by its frames         改用长连接的机器人
  --bot <url>        another callback address than the sandbox's              换一个回调地址
  --image <path>     a picture, with the text if there is one                 发送图片，可以带文字
  --file <path>      a file                                                   发送文件
  --enter            opens the chat (enter_chat) in place of saying anything  进入会话（enter_chat）
  --no-poll          does not fetch: the answer comes by the response_url     不拉取，由 response_url 接收回答
  --wait <seconds>   waits for so long for more by the response_url; 1 unless given, with --no-poll 120; with --long
                     for more bubbles, 2 unless given
                     等待 response_url 的秒数，默认 1，--no-poll 时为 120；--long 时等待后续消息，默认 2
`;

/** What is said, by whom, and how the answer is waited for. */
export interface SayOptions {
  user: string;
  chat: string | undefined;
  bot: string | undefined;
  /** By the long connection. */
  isLong: boolean;
  text: string;
  attached: Attached | undefined;
  enters: boolean;
  polls: boolean;
  waitMs: number;
}

/** A file that goes with what is said. */
export interface Attached {
  kind: 'image' | 'file';
  name: string;
  bytes: Buffer;
}

const maxFileBytes = 32 * 1024 * 1024 - 32;

/** Reads the options; undefined: help is wanted. Throws a UsageError. */
export function readOptions(args: string[]): SayOptions | undefined {
  const { values, positionals } = parse(args);
  if (values.help) return undefined;
  const { user = 'visitor', chat, bot, image, file, enter: enters = false } = values;
  const polls = !values['no-poll'];
  const text = positionals.join(' ');
  const isLong = values.long ?? false;
  const waitSeconds = Number(values.wait ?? (isLong ? 2 : polls ? 1 : 120));
  if (!(waitSeconds >= 0 && waitSeconds <= 3600)) throw new UsageError('say --wait <seconds>: 0 to 3600');
  if (user === '' || chat === '') throw new UsageError('say: --user and --chat want a name');
  if (image !== undefined && file !== undefined) throw new UsageError('say: --image or --file, one of them');
  if (isLong && (bot !== undefined || !polls)) throw new UsageError('say --long: without --bot and --no-poll');
  if (file !== undefined && text !== '') throw new UsageError('say: a file goes without words; say them after it');
  if (!enters && text === '' && (image ?? file) === undefined)
    throw new UsageError('say [options] <text>; see say --help');
  const path = image ?? file;
  const attached = path === undefined ? undefined : readAttached(image === undefined ? 'file' : 'image', path);
  return { user, chat, bot, isLong, text, attached, enters, polls, waitMs: waitSeconds * 1000 };
}

function parse(args: string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...{ user: text, chat: text, bot: text, image: text, file: text, wait: text },
        ...{ enter: flag, long: flag, 'no-poll': flag, help: { ...flag, short: 'h' } },
      },
    });
  } catch (error) {
    throw new UsageError(`say [options] <text>: ${error instanceof Error ? error.message.split('. ')[0] : error}`);
  }
}

function readAttached(kind: Attached['kind'], path: string): Attached {
  try {
    if (statSync(path).size > maxFileBytes) throw new Error('it is larger than 32 MiB');
    return { kind, name: basename(path), bytes: readFileSync(path) };
  } catch (error) {
    throw new UsageError(`say --${kind} <path>: ${error instanceof Error ? error.message : error}`);
  }
}

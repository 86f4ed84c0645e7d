/** What a user says, in WeCom's form, and what comes back by its response_url. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAesKey, sealMedia } from '../../wecom/crypto.ts';
import type { SandboxBot } from './bot-file.ts';
import { botName } from './make-bot.ts';
import type { Attached, SayOptions } from './options.ts';
import { type Printer, showCard } from './print.ts';

/** A message as WeCom tells of it. A group's message mentions the bot, else it would not come. */
export async function toMessage(bot: SandboxBot, { text, chat, attached, isLong }: SayOptions): Promise<object> {
  const words = chat === undefined || text.includes('@') ? text : `@${botName} ${text}`;
  const content = { msgtype: 'text', text: { content: words } };
  if (attached === undefined) return content;
  const { kind } = attached;
  const media = { msgtype: kind, [kind]: await upload(bot, attached, isLong) };
  // A file always goes by itself.
  return text === '' || kind === 'file' ? media : { msgtype: 'mixed', mixed: { msg_item: [content, media] } };
}

/** Puts a file where WeCom would have it: encrypted with the bot's key, or in long connections with one of its own. */
async function upload(
  { sandboxUrl, encodingAesKey }: SandboxBot,
  { name, bytes }: Attached,
  isLong: boolean,
): Promise<{ url: string; aeskey?: string }> {
  const aeskey = isLong ? randomBytes(32).toString('base64').slice(0, 43) : undefined;
  const body = new Uint8Array(sealMedia(readAesKey(aeskey ?? encodingAesKey), bytes));
  const query = new URLSearchParams({ name });
  const response = await fetch(`${sandboxUrl}/sandbox/wecom/media?${query}`, { method: 'POST', body });
  const { url } = (await response.json()) as { url: string };
  return { url, ...(aeskey && { aeskey }) };
}

/** An address that takes one response. */
export async function takeResponseUrl({ sandboxUrl }: SandboxBot): Promise<string> {
  const response = await fetch(`${sandboxUrl}/sandbox/wecom/response_urls`, { method: 'POST' });
  return ((await response.json()) as { response_url: string }).response_url;
}

interface Response {
  markdown?: { content: string };
  template_card?: Record<string, unknown>;
}

/** Prints what comes by a response_url within a time; false: nothing. */
export async function showResponse(
  { sandboxUrl }: SandboxBot,
  responseUrl: string,
  waitMs: number,
  printer: Printer,
): Promise<boolean> {
  const { search } = new URL(responseUrl);
  const endMs = performance.now() + waitMs;
  for (;;) {
    const response = await fetch(`${sandboxUrl}/sandbox/wecom/responses${search}`);
    const [came] = ((await response.json()) as { responses: Response[] }).responses;
    if (came !== undefined) {
      printer.line('[response_url]');
      if (came.markdown !== undefined) printer.line(came.markdown.content);
      if (came.template_card !== undefined) printer.line(showCard(came.template_card));
      return true;
    }
    if (performance.now() >= endMs) return false;
    await sleep(Math.min(500, Math.max(1, endMs - performance.now())));
  }
}

/**
 * What WeCom tells of users, by callback or by frame. It is signed, so it is WeCom's; what is in it is a user's, and
 * WeCom's forms change. So what is read is checked and bounded, and the rest is let pass.
 */
import { z } from 'zod';

const id = z.string().min(1).max(256);
const words = z.string().max(1_000_000);
const text = z.object({ content: words });
const media = z.object({ url: z.string().min(1).max(8192), aeskey: z.string().max(64).optional() });

/** What does not have its form is left out, and the rest of the message is read. */
const orNone = <Schema extends z.ZodType>(schema: Schema) => schema.optional().catch(undefined);

const item = z.object({ msgtype: z.string().max(32), text: orNone(text), image: orNone(media) });

const maxItems = 100;

/** The items that have their form, the first of them: no time is spent on the others. */
const items = z
  .custom<unknown[]>((value) => Array.isArray(value))
  .transform((all) => all.slice(0, maxItems).flatMap((each) => item.safeParse(each).data ?? []));

/** What a message and a quote have in common. */
const content = z.object({
  msgtype: z.string().max(32),
  text: orNone(text),
  voice: orNone(text),
  image: orNone(media),
  file: orNone(media),
  mixed: orNone(z.object({ msg_item: items })),
});

/** A button of a card was pressed. */
const click = z.object({ event_key: z.string().max(1024), task_id: z.string().max(128) });

/** What a user thinks of an answer. */
const feedback = z.object({
  id,
  type: z.number(),
  content: words.default('').catch(''),
  inaccurate_reason_list: z.array(z.number().int().min(0).max(999)).max(100).default([]).catch([]),
});

const event = z.object({
  eventtype: z.string().max(64),
  template_card_event: orNone(click),
  feedback_event: orNone(feedback),
});

const schema = content.extend({
  msgid: z.string().min(1).max(128),
  chatid: z.string().max(128).default('').catch(''),
  chattype: z.enum(['single', 'group']).default('single').catch('single'),
  from: z.object({ userid: z.string().max(128) }).default({ userid: '' }),
  response_url: orNone(z.string().max(4096)),
  quote: orNone(content),
  stream: orNone(z.object({ id })),
  event: orNone(event),
});

/** A message, a poll or an event. */
export type Inbound = z.infer<typeof schema>;

/** What somebody said: a message, or what it quotes. */
export type Content = z.infer<typeof content>;

/** Reads what was decrypted; undefined: it is nothing that we know. */
export function readInbound(json: string): Inbound | undefined {
  try {
    return toInbound(JSON.parse(json));
  } catch {
    return undefined;
  }
}

/** The same of what is parsed already. */
export function toInbound(body: unknown): Inbound | undefined {
  return schema.safeParse(body).data;
}

/** Where a user talks to the bot. */
export interface Chat {
  /** Empty in a single chat. */
  chatId: string;
  userId: string;
}

/** The chat of a message; undefined: it is nobody's. */
export function chatOf({ chattype, chatid, from }: Inbound): Chat | undefined {
  if (from.userid === '' || from.userid === 'sys') return undefined;
  if (chattype === 'group' && chatid === '') return undefined;
  return { chatId: chattype === 'group' ? chatid : '', userId: from.userid };
}

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

/** What a message and a quote have in common. */
const content = z.object({
  msgtype: z.string().max(32),
  text: text.optional(),
  voice: text.optional(),
  image: orNone(media),
  file: orNone(media),
  mixed: z.object({ msg_item: z.array(item).max(100) }).optional(),
});

const schema = content.extend({
  msgid: z.string().min(1).max(128),
  aibotid: z.string().max(256).default(''),
  chatid: z.string().max(128).default(''),
  chattype: z.enum(['single', 'group']).default('single').catch('single'),
  from: z.object({ userid: z.string().max(128) }).default({ userid: '' }),
  response_url: z.string().max(4096).optional(),
  quote: orNone(content),
  stream: z.object({ id }).optional(),
  event: z.object({ eventtype: z.string().max(64) }).optional(),
});

/** A message, a poll or an event. */
export type Inbound = z.infer<typeof schema>;

/** What somebody said: a message, or what it quotes. */
export type Content = z.infer<typeof content>;

/** Reads what was decrypted; undefined: it is nothing that we know. */
export function readInbound(json: string): Inbound | undefined {
  try {
    const parsed = schema.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
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

/** Shows what the frames of a bot say as WeCom would: bubbles that grow, messages, cards, files. */
import { z } from 'zod';
import { type Printer, showCard } from './print.ts';
import type { SaidFrame } from './socket/frame-log.ts';

const bodySchema = z.object({
  stream: z.object({ id: z.string(), finish: z.boolean().default(false), content: z.string().default('') }).optional(),
  text: z.object({ content: z.string() }).optional(),
  markdown: z.object({ content: z.string() }).optional(),
  template_card: z.record(z.string(), z.unknown()).optional(),
});

export interface FrameView {
  show(frame: SaidFrame): void;
  /** Something was shown. */
  hasSaid(): boolean;
  /** A bubble is not finished. */
  isOpen(): boolean;
}

export function createFrameView(printer: Printer, complain: (line: string) => void): FrameView {
  const open = new Set<string>();
  let bubble = '';
  let hasSaid = false;

  function grow({ id, finish, content }: { id: string; finish: boolean; content: string }): void {
    if (bubble !== id) printer.end();
    bubble = id;
    printer.grow(content);
    if (!finish) open.add(id);
    else {
      open.delete(id);
      printer.end();
    }
  }

  return {
    show({ cmd, errcode, body, media }) {
      if (errcode !== 0) return complain(`[${cmd} was refused with ${errcode}]`);
      const { stream, text, markdown, template_card: card } = bodySchema.safeParse(body).data ?? {};
      hasSaid = true;
      if (stream !== undefined) grow(stream);
      const words = (text ?? markdown)?.content;
      if (words !== undefined) printer.line(words);
      if (card !== undefined) printer.line(showCard(card));
      const name = media?.type === 'image' ? '' : `${media?.filename} `;
      if (media !== undefined) printer.line(`[${media.type} ${name}${media.bytes} bytes]`);
    },
    hasSaid: () => hasSaid,
    isOpen: () => open.size > 0,
  };
}

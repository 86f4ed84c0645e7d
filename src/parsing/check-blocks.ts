import { type Block, Unreadable } from './block.ts';

/** How much text may come out of a document. */
export interface TextLimits {
  /** UTF-16 units, over all blocks. */
  maxChars: number;
}

/**
 * Returns the blocks as they are.
 * @throws Unreadable when there are none, or they hold more than the limit
 */
export function checkBlocks(blocks: Block[], limits: TextLimits): Block[] {
  if (blocks.length === 0) throw new Unreadable('noText', 'it holds no text');
  let chars = 0;
  for (const block of blocks) chars += block.text.length;
  if (chars > limits.maxChars) throw tooMuchText(limits);
  return blocks;
}

export function tooMuchText(limits: TextLimits): Unreadable {
  return new Unreadable('damaged', `more than ${limits.maxChars} characters of text`);
}

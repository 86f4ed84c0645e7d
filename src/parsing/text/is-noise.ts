/** Of a text that is really one, less is unreadable, even where some of its characters are broken. */
const MAX_NOISE = 0.05;

/** Whether bytes that were decoded are no text: too much of it are controls, unassigned or broken characters. */
export function isNoise(text: string): boolean {
  const noise = text.match(/[^\P{C}\t-\r\u0085\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u00ad]|\ufffd/gu);
  return (noise?.length ?? 0) > text.length * MAX_NOISE + 1;
}

/**
 * About how many tokens a text is to a model, rather too many than too few: a Chinese character is 0.6 to 1 to the
 * common tokenizers, four English letters about 1.
 */
export function estimateTokens(text: string): number {
  let tokens = 0;
  for (const character of text) tokens += character < '\u0080' ? 0.3 : 1;
  return Math.ceil(tokens);
}

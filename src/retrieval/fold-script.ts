import traditionalCharacters from 'opencc-js/dict/TSCharacters';

/** OpenCC's table: "traditional simplified|…", one character each. */
const pairs = traditionalCharacters.split('|').map((pair) => pair.split(' ', 2) as [string, string]);
const simplifiedOf = new Map(pairs);
const traditional = new RegExp(`[${[...simplifiedOf.keys()].join('')}]`, 'gu');

/**
 * Writes traditional characters as simplified ones, each by itself, so that either script finds the other. Words that
 * differ between regions (軟體, 软件) stay apart.
 */
export function foldScript(text: string): string {
  return text.replace(traditional, (character) => simplifiedOf.get(character)!);
}

import { parse, walk } from './parse.ts';

/** The addresses of the pictures that a text shows, each once; `most` of them, and of its beginning. */
export function listImages(text: string, most: number): string[] {
  const root = parse(text.slice(0, maxChars));
  if (root === undefined) return [];
  const urls = new Set<string>();
  for (const { node } of walk(root)) if (node.type === 'image') urls.add(node.url);
  return [...urls].slice(0, most);
}

const maxChars = 20_000;

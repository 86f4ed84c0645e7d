import type { SandboxItem, SandboxMessage } from '../../src/sandbox/articles/types.ts';

/** An item whose text holds a word that stands nowhere else. */
export function itemWith(word: string, more: Partial<SandboxItem> = {}): SandboxItem {
  const content = `<p>这一篇文章的记号是 ${word}，其它文章里都没有。</p>`;
  return { title: `记号 ${word}`, author: '编辑', digest: '', content, ...more };
}

/** A publish message with an item for each word. */
export function messageWith(articleId: string, ...words: string[]): SandboxMessage {
  return { articleId, createTime: 1_790_000_000, items: words.map((word) => itemWith(word)) };
}

/** So many publish messages of one item: `<prefix>1` with the word `<prefix>w1`, and so on. */
export function series(prefix: string, length: number): SandboxMessage[] {
  return Array.from({ length }, (_, index) => messageWith(`${prefix}${index + 1}`, `${prefix}w${index + 1}`));
}

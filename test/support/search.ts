import type { Service } from './service.ts';

/** A passage that an answer was or could have been taken from. */
export interface SeenPassage {
  source: { document_id: string; title: string; url: string };
  heading: string;
  text: string;
  score: number;
  cited: boolean;
}

/** What the assistant finds for a question: the passages that it explains its answer with, best first. */
export async function search(
  { app }: Service,
  appid: string,
  content: string,
  view: 'online' | 'draft' = 'online',
): Promise<SeenPassage[]> {
  const response = await fetch(`${app.url}/api/wxmp/message/ask`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ appid, content, view: view === 'draft' ? 2 : 1 }),
    signal: AbortSignal.timeout(20_000),
  });
  const lines = (await response.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const end = lines.at(-1);
  if (end.errcode !== 0) throw new Error(end.errmsg);
  return lines.at(-2).explanation.passages;
}

/** Whether some passage that is found holds the word. The word should occur nowhere but in what it stands for. */
export async function finds(service: Service, appid: string, word: string): Promise<boolean> {
  const passages = await search(service, appid, word);
  return passages.some(({ text }) => text.includes(word));
}

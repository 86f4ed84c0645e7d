const names = ['think', 'thinking', 'thought', 'reasoning'];
const tags = new Map<string, 1 | -1>(names.flatMap((name) => [[`<${name}>`, 1] as const, [`</${name}>`, -1] as const]));
const longest = Math.max(...[...tags.keys()].map((tag) => tag.length));

/** Takes a model's text as it comes, in pieces cut anywhere. */
export interface ThinkingFilter {
  push(piece: string): void;
  /** What has come so far without reasoning, and without a beginning of a tag at its end. */
  shown(): string;
  /** The same when nothing more will come. */
  end(): string;
  /** A closing tag came without an opening one: what stood before it was reasoning too. */
  wasUnopened(): boolean;
}

/**
 * Drops what stands between <think> and </think>, or between tags of the like, also when they are nested or never
 * closed. Where the opening tag is missing, because the prompt's template has it, all before the closing one is dropped.
 */
export function createThinkingFilter(): ThinkingFilter {
  let text = '';
  let pending = '';
  let depth = 0;
  let isUnopened = false;

  const keep = (part: string) => {
    if (depth === 0) text += part;
  };
  const take = (step: 1 | -1) => {
    if (step === -1 && depth === 0) {
      text = '';
      isUnopened = true;
    } else depth += step;
  };
  return {
    push(piece) {
      const input = pending + piece;
      let from = 0;
      for (;;) {
        const at = input.indexOf('<', from);
        if (at < 0) break;
        keep(input.slice(from, at));
        const found = tagAt(input, at);
        if (found === 'partial') {
          pending = input.slice(at);
          return;
        }
        if (found === undefined) keep('<');
        else take(tags.get(found)!);
        from = at + (found?.length ?? 1);
      }
      keep(input.slice(from));
      pending = '';
    },
    shown: () => text,
    end: () => (depth === 0 ? text + pending : text),
    wasUnopened: () => isUnopened,
  };
}

/** The tag that begins at `at`, or whether one may still become of what is there. */
function tagAt(input: string, at: number): string | undefined {
  const rest = input.slice(at, at + longest).toLowerCase();
  for (const tag of tags.keys()) if (rest.startsWith(tag)) return tag;
  const isCut = at + rest.length === input.length;
  for (const tag of tags.keys()) if (isCut && tag.startsWith(rest)) return 'partial';
  return undefined;
}

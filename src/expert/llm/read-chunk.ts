/** A piece of a model's answer. */
export interface Delta {
  content: string;
  /** About how much reasoning came in a field of its own. Its text is nobody's. */
  hiddenChars: number;
}

/** Tokens as the endpoint counted them. */
export interface Usage {
  prompt: number;
  completion: number;
}

/** No prompt or answer of ours is larger. */
const maxTokens = 10_000_000;

/** What a chunk of the stream says, which may be anything at all. */
export function readChunk(chunk: unknown): {
  delta: Delta | undefined;
  finish: string | undefined;
  usage: Usage | undefined;
} {
  const { choices, usage } = asObject(chunk);
  const choice = asObject(Array.isArray(choices) ? choices[0] : undefined);
  const delta = asObject(choice.delta);
  const content = asText(delta.content);
  const hiddenChars = asText(delta.reasoning_content).length + asText(delta.reasoning).length;
  const finish = asText(choice.finish_reason);
  return {
    delta: content === '' && hiddenChars === 0 ? undefined : { content, hiddenChars },
    finish: finish === '' ? undefined : finish,
    usage: readUsage(asObject(usage)),
  };
}

/** Where no prompt was counted, nothing was: some send zeros for what they don't count. */
function readUsage({ prompt_tokens: prompt, completion_tokens: completion }: Record<string, unknown>) {
  return isCount(prompt) && prompt > 0 && isCount(completion) ? { prompt, completion } : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= maxTokens;
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

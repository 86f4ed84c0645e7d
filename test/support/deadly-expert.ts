/** Stands in the place of src/expert/extractive.ts where KILL_ON is set: a question with that text kills the process. */
import * as real from '../../src/expert/extractive.ts';

export const { extractiveThreshold } = real;

export function createExtractiveExpert(
  options: real.ExtractiveOptions,
): ReturnType<typeof real.createExtractiveExpert> {
  const expert = real.createExtractiveExpert(options);
  return {
    ...expert,
    answer(question, search, signal) {
      if (question.text.includes(process.env.KILL_ON!)) process.kill(process.pid, 'SIGKILL');
      return expert.answer(question, search, signal);
    },
  };
}

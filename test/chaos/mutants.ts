/** The tests of the safeguards, run without them: each must be seen to fail, in a bounded number of tries. */
import { provideFaketime } from '../support/faketime.ts';
import { runCronSkew } from './cron.ts';
import { runFreeze } from './freeze.ts';
import type { PartResult } from './report.ts';
import { runSkew } from './skew.ts';

const maxTries = 3;

/** The part `mutants`. */
export async function* mutants(seed: number): AsyncGenerator<PartResult> {
  yield await seenBroken(
    seed,
    (each) => runFreeze(each, ['stutter', 'stutter', 'stutter'], 'no-trust-window'),
    /repeats/,
  );
  yield await seenBroken(
    seed,
    (each) => runFreeze(each, ['failed', 'sending', 'failed', 'sending'], 'no-fence'),
    /repeats|order/,
  );
  const skewed = { mutant: 'own-clock', questions: 150, kills: 0 };
  yield await seenBroken(seed, (each) => runSkew(each, 3600, skewed), /repeats|order/);
  const faketime = provideFaketime(() => {});
  if (faketime !== undefined) {
    yield await seenBroken(seed, (each) => runCronSkew(each, 3600, faketime, 'own-clock'), /early|overlap|twice/);
  }
}

/** Runs until a promise is seen broken, and is content only then. */
async function seenBroken(
  seed: number,
  run: (seed: number) => Promise<PartResult>,
  pattern: RegExp,
): Promise<PartResult> {
  let last: PartResult | undefined;
  for (let nth = 0; nth < maxTries; nth++) {
    last = await run(seed + nth);
    const seen = last.broken.filter((words) => pattern.test(words));
    if (seen.length > 0) return { ...last, broken: [], notes: [...last.notes, `seen broken, as it must be: ${seen}`] };
  }
  return { ...last!, broken: [`the mutant was not noticed in ${maxTries} tries`] };
}

/** The tests of the safeguards, run without them: each must be seen to fail, in a bounded number of tries. */
import { provideFaketime } from '../support/faketime.ts';
import { runCronSkew } from './cron.ts';
import { runFreeze } from './freeze.ts';
import type { PartResult } from './report.ts';
import { runSkew } from './skew.ts';

const maxTries = 3;

/** The part `mutants`. */
export async function* mutants(seed: number): AsyncGenerator<PartResult> {
  const says = (pattern: RegExp) => (result: PartResult) => result.broken.some((words) => pattern.test(words));
  // Without kills: what is repeated after "lost its lane" was taken from one who lived.
  const repeatsMuch = ({ tally }: PartResult) => tally !== undefined && tally.duplicates > tally.asked / 10;
  const stutters = ['stutter', 'stutter', 'stutter'] as const;
  yield await seenBroken(seed, (each) => runFreeze(each, stutters, 'no-trust-window'), says(/repeats/));
  const failures = ['failed', 'sending', 'failed'] as const;
  yield await seenBroken(seed, (each) => runFreeze(each, failures, 'no-fence'), says(/repeats|order/));
  const skewed = { mutant: 'own-clock', questions: 100, kills: 0 };
  yield await seenBroken(seed, (each) => runSkew(each, 3600, skewed), repeatsMuch);
  const faketime = provideFaketime(() => {});
  if (faketime !== undefined) {
    yield await seenBroken(seed, (each) => runCronSkew(each, 3600, faketime, 'own-clock'), says(/early|overlap|twice/));
  }
}

/** Runs until a promise is seen broken, and is content only then. */
async function seenBroken(
  seed: number,
  run: (seed: number) => Promise<PartResult>,
  isBroken: (result: PartResult) => boolean,
): Promise<PartResult> {
  let last: PartResult | undefined;
  for (let nth = 0; nth < maxTries; nth++) {
    // The victim may have had no work to be frozen in.
    last = await run(seed + nth).catch((error) => {
      return { title: 'a mutant', seed: seed + nth, notes: [String(error)], broken: [] };
    });
    if (!isBroken(last)) continue;
    const seen = last.broken.length > 0 ? last.broken.join(', ') : `${last.tally?.duplicates} repeats without a kill`;
    return { ...last, broken: [], notes: [...last.notes, `seen broken, as it must be: ${seen}`] };
  }
  return { ...last!, broken: [`the mutant was not noticed in ${maxTries} tries`] };
}

/** Safeguards that a spawned service can be made to lack, so that the tests of the safeguards are seen to fail. */
import { registerHooks } from 'node:module';

/** What is cut out of which file, and what is put in its place. Each must be there, or the mutant is refused. */
const mutants: Record<string, { file: string; cuts: readonly [text: string | RegExp, instead: string][] }> = {
  /** Whoever once held a lease may renew and settle for ever. */
  'no-fence': {
    file: '/src/db/lease.ts',
    cuts: [[/ and lease_token = \?/g, ' and ? is not null']],
  },
  /** The holder acts on the outside without a look at how long it was away. */
  'no-trust-window': {
    file: '/src/db/lease.ts',
    cuts: [['return performance.now() + forMs < lease.trustedUntilMs;', 'return forMs < Number.POSITIVE_INFINITY;']],
  },
  /** What is due is decided by the clock of the process. */
  'own-clock': {
    file: '/src/db/lease.ts',
    cuts: [['const { now } = session.dialect;', 'const now = String(Date.now());']],
  },
  /** Whatever is no record waits for a database that is away no longer than .3 s. */
  impatient: {
    file: '/src/db/tx.ts',
    cuts: [['patienceMs = 15_000', 'patienceMs = 300']],
  },
};

/** The names of the mutants. */
export const mutantNames = Object.keys(mutants);

/** Takes a safeguard out of what this process loads from now on. */
export function mutate(name: string): void {
  const mutant = mutants[name];
  if (mutant === undefined) throw new Error(`no such mutant: ${name}`);
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!url.endsWith(mutant.file)) return loaded;
      const source = mutant.cuts.reduce((text, [cut, instead]) => {
        const mutated = text.replace(cut, () => instead);
        if (mutated === text) throw new Error(`mutant ${name}: not in ${mutant.file}: ${cut}`);
        return mutated;
      }, String(loaded.source));
      return { ...loaded, source };
    },
  });
}

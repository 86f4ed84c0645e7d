/** Safeguards that a spawned service can be made to lack, so that the tests of the safeguards are seen to fail. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of source
import { registerHooks } from 'node:module';

/** What is cut out of which file, and what is put in its place. Each text must be there, or the mutant is refused. */
const mutants: Record<string, { file: string; cuts: readonly [text: string, instead: string][] }> = {
  /** Whoever once held a lease may renew and settle for ever. */
  'no-fence': {
    file: '/src/db/lease.ts',
    cuts: [
      [
        'due_at = ${session.dialect.now} + ? where ${lease.key} = ? and lease_token = ?`',
        'due_at = ${session.dialect.now} + ? where ${lease.key} = ? and ? is not null`',
      ],
      [
        'where ${lease.key} = ? and lease_token = ?${tx.dialect.forUpdate}',
        'where ${lease.key} = ? and ? is not null${tx.dialect.forUpdate}',
      ],
      [
        'due_at = ${due} where ${lease.key} = ? and lease_token = ?`',
        'due_at = ${due} where ${lease.key} = ? and ? is not null`',
      ],
    ],
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
        if (text.split(cut).length !== 2) throw new Error(`mutant ${name}: not once in ${mutant.file}: ${cut}`);
        return text.replace(cut, () => instead);
      }, String(loaded.source));
      return { ...loaded, source };
    },
  });
}

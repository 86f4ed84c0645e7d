/**
 * `make chaos`: breaks things for real and counts what becomes of the questions. PART=name[,name]: only these;
 * PART=short: a selection of a few minutes, smaller. CHAOS_SEED=…: the chances of an earlier run. Ends with 1 when a
 * promise was broken.
 */
import { describeResult, type PartResult, tableHead, toRow } from './report.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);

/** What is run without PART, in this order: each gives its results for a seed. */
const parts: Record<string, (seed: number) => Promise<AsyncGenerator<PartResult>>> = {
  storm: async (seed) => (await import('./storm.ts')).storm(seed),
  freeze: async (seed) => (await import('./freeze.ts')).freeze(seed),
  skew: async (seed) => (await import('./skew.ts')).skew(seed),
  mutants: async (seed) => (await import('./mutants.ts')).mutants(seed),
  halfopen: async (seed) => (await import('./half-open.ts')).halfOpen(seed),
  poison: async (seed) => (await import('./poison.ts')).poison(seed),
  slow: async (seed) => (await import('./slow.ts')).slow(seed),
  outage: async (seed) => (await import('./outage.ts')).outage(seed),
  sigterm: async (seed) => (await import('./sigterm.ts')).sigterm(seed),
  migrate: async (seed) => (await import('./migrate.ts')).migrate(seed),
  flood: async () => (await import('./flood.ts')).run(),
  galera: async (seed) => (await import('./galera.ts')).galera(seed),
};

const chosen = (process.env.PART ?? '').split(',').filter((name) => name !== '');
const isShort = chosen.includes('short');
if (isShort) {
  const small = { QUESTIONS: 300, CONVERSATIONS: 10, KILLS: 5, DATABASE_KILLS: 1, ROUNDS: 1 };
  process.env.CHAOS_POINTS ??= 'stutter,sending';
  for (const [name, value] of Object.entries(small)) process.env[`CHAOS_${name}`] ??= String(value);
}
const short = ['storm', 'freeze', 'sigterm'];
const names = chosen.length === 0 ? Object.keys(parts) : chosen.flatMap((name) => (name === 'short' ? short : name));
const unknown = names.filter((name) => parts[name] === undefined);
if (unknown.length > 0) {
  say(`no such part: ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}, short`);
  process.exit(2);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const results: PartResult[] = [];
for (const name of names) {
  const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
  say(`${name}: CHAOS_SEED=${seed}`);
  const add = (result: PartResult) => {
    say(describeResult(result));
    results.push(result);
  };
  try {
    for await (const result of await parts[name]!(seed)) add(result);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    add({ title: name, seed, notes: [], broken: [`it ended with ${why}`] });
  }
}
say(`\n${tableHead}\n${results.map(toRow).join('\n')}`);
const brokenParts = results.filter(({ broken }) => broken.length > 0).length;
say(brokenParts === 0 ? '\nall promises were kept' : `\n${brokenParts} parts saw a promise broken`);
process.exit(brokenParts === 0 ? 0 : 1);

import type { ConnectionSettings } from './connections.ts';

/** What can be set from outside: BENCH_DIALECT, BENCH_BOTS, BENCH_SECONDS, BENCH_PER_SECOND, BENCH_NODE_OPTIONS. */
export function readConnectionSettings(env: NodeJS.ProcessEnv): Omit<ConnectionSettings, 'say'> {
  const number = (name: string, standard: number) => {
    const value = Number(env[name] ?? standard);
    if (!Number.isInteger(value) || value < 1) throw new Error(`${name}: expected a whole number from 1`);
    return value;
  };
  return {
    dialect: env.BENCH_DIALECT ?? 'sqlite',
    bots: number('BENCH_BOTS', 1000),
    seconds: number('BENCH_SECONDS', 120),
    perSecond: number('BENCH_PER_SECOND', 2),
    options: (env.BENCH_NODE_OPTIONS ?? '').split(' ').filter((option) => option !== ''),
  };
}

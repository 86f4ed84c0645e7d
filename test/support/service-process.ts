/**
 * Runs the service in a process of its own that dies by SIGKILL at a named point (`KILL_AT=dispatch.sent`, or the third
 * time with `:3`), or each time when it is to answer a question with a certain text (`KILL_ON`). `MUTANT` takes a
 * safeguard out (mutants.ts); `CONNECTION_TIMES` (JSON) has other times for long connections. It dies when its standard
 * input ends, that is with whoever started it; and with the exit code 3, after it has said what is still open, when it
 * takes too long to start or to stop.
 */
import { registerHooks } from 'node:module';
import { readEnv, toConfig } from '../../src/config.ts';
import { createLogger } from '../../src/logger.ts';
import { mutate } from './mutants.ts';

/** Longer than any start or stop may take, by far. */
const patienceMs = 120_000;

function dieUnless(what: string): NodeJS.Timeout {
  return setTimeout(() => {
    process.stderr.write(
      `STUCK: ${process.pid} did not ${what}; open: ${process.getActiveResourcesInfo().join(', ')}\n`,
    );
    process.exit(3);
  }, patienceMs);
}

const starting = dieUnless('start');
const env = readEnv();
const [killAt, nth = '1'] = (env.KILL_AT ?? '').split(':');
let left = Number(nth);
if (env.KILL_ON) {
  const deadly = new URL('./deadly-expert.ts', import.meta.url).href;
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier.endsWith('/extractive.ts') && context.parentURL !== deadly ? deadly : specifier, context),
  });
}
if (env.MUTANT) mutate(env.MUTANT);
const { startApp } = await import('../../src/app.ts');
const config = toConfig(env);
const app = await startApp({
  config,
  logger: createLogger(config.LOG_LEVEL),
  connectionTimes: JSON.parse(env.CONNECTION_TIMES ?? '{}'),
  reached: (point) => {
    if (point === killAt && --left === 0) process.kill(process.pid, 'SIGKILL');
  },
});
clearTimeout(starting);
process.once('SIGTERM', () => {
  const stopping = dieUnless('stop');
  void app.stop().then(() => {
    stopping.unref(); // whatever is still open keeps the process, and the timer goes on
    process.stderr.write(env.TEST_LOG_LEVEL ? `${process.pid} has stopped\n` : '');
  });
});
process.stdout.write(`${app.url}\n`); // last: who reads it may stop the process at once
process.stdin.once('end', () => process.kill(process.pid, 'SIGKILL')).resume();
if ('unref' in process.stdin) process.stdin.unref();

/** Runs the service in a process of its own that dies by SIGKILL at a named point: `KILL_AT=dispatch.sent` (`:3`: the third time). */
import { startApp } from '../../src/app.ts';
import { readEnv, toConfig } from '../../src/config.ts';
import { createLogger } from '../../src/logger.ts';

const env = readEnv();
const [killAt, nth = '1'] = (env.KILL_AT ?? '').split(':');
let left = Number(nth);
const config = toConfig(env);
const app = await startApp({
  config,
  logger: createLogger(config.LOG_LEVEL),
  reached: (point) => {
    if (point === killAt && --left === 0) process.kill(process.pid, 'SIGKILL');
  },
});
process.stdout.write(`${app.url}\n`);
process.once('SIGTERM', () => void app.stop());

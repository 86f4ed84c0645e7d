#!/usr/bin/env node
import { startApp } from './app.ts';
import { type Config, ConfigError, readEnv, toConfig } from './config.ts';
import { openDatabase } from './db/database.ts';
import { migrateSchema } from './db/migrate-schema.ts';
import { runDoctor } from './doctor.ts';
import { describeError } from './errors.ts';
import { createLogger } from './logger.ts';
import { backUp, pause, resume, UsageError } from './operator-commands.ts';
import { runSandbox, runWechatSide } from './sandbox/run-sandbox.ts';
import { say } from './sandbox/wecom/say.ts';

const usage = `wxmp-assistant <command>

  serve              run the service (settings from the environment, see .env.example)
  sandbox [--only]   run it with a stand-in WeChat side and sample articles; --only: that side alone
  say <text>         say something to the sandbox's WeCom bot, and print its answer (say --help)
  migrate            bring the database's schema up to date and end
  doctor             check settings, database and the WeChat side, and end
  backup <file>      copy SQLite's database while it is in use; the copy starts with its deliveries paused
  pause, resume      stop deliveries and let them go on: [--appid <appid> | --integration <id>] --actor <who> --reason <why>
`;

/** What a command started, for those that keep running. */
interface Running {
  stop(): Promise<void>;
  /** How long it may take to stop. */
  graceSeconds: number;
}

/** Runs a command. Returns what it started, or the exit code of one that is done. */
async function run(command: string | undefined, options: string[]): Promise<Running | number> {
  const env = readEnv();
  switch (command) {
    case 'serve':
      return serve(toConfig(env));
    case 'sandbox':
      return { stop: await (options.includes('--only') ? runWechatSide(env) : runSandbox(env)), graceSeconds: 5 };
    case 'say':
      return say(toConfig(env), options);
    case 'migrate':
      return migrateOnly(toConfig(env));
    case 'doctor':
      return (await runDoctor(toConfig(env))) ? 0 : 1;
    case 'backup':
      return done(backUp(toConfig(env), options));
    case 'pause':
      return done(pause(toConfig(env), options));
    case 'resume':
      return done(resume(toConfig(env), options));
    default:
      process.stderr.write(usage);
      return command === 'help' || command === '--help' ? 0 : 2;
  }
}

async function done(work: Promise<void>): Promise<number> {
  await work;
  return 0;
}

async function serve(config: Config): Promise<Running> {
  const logger = createLogger(config.LOG_LEVEL);
  const app = await startApp({ config, logger });
  logger.info({ url: app.url, publicUrl: app.publicUrl }, 'serving');
  const stop = async () => {
    logger.info('stopping');
    await app.stop();
    logger.info('stopped');
  };
  return { stop, graceSeconds: config.SHUTDOWN_GRACE_SECONDS };
}

async function migrateOnly(config: Config): Promise<number> {
  const { DATABASE_URL: url, QUERY_TIMEOUT_MS: queryTimeoutMs, LEASE_SECONDS } = config;
  const database = openDatabase({ url, poolSize: 2, queryTimeoutMs });
  const signal = new AbortController().signal;
  const onWait = (step: string) => process.stderr.write(`${step} waits for transactions that use its tables\n`);
  const ran = await migrateSchema(database, url, { signal, leaseMs: LEASE_SECONDS * 1000, onWait });
  await database.close();
  process.stdout.write(ran.length === 0 ? 'the schema is up to date\n' : `ran ${ran.join(', ')}\n`);
  return 0;
}

/** The first signal stops in order; a second one, or a stop that takes far too long, ends the process at once. */
function stopOnSignal({ stop, graceSeconds }: Running): void {
  const onSignal = () => {
    process.once('SIGINT', () => process.exit(1)).once('SIGTERM', () => process.exit(1));
    setTimeout(() => process.exit(1), (2 * graceSeconds + 10) * 1000).unref();
    stop().catch((error) => {
      process.stderr.write(`${describeError(error)}\n`);
      process.exitCode = 1;
    });
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
}

try {
  const result = await run(process.argv[2], process.argv.slice(3));
  if (typeof result === 'number') process.exitCode = result;
  else stopOnSignal(result);
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`usage: wxmp-assistant ${error.message}\n`);
    process.exit(2);
  }
  const inUse = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  const hint = inUse ? ' (another program listens there: set HTTP_ADDR, PUBLIC_ADDR or SANDBOX_ADDR)' : '';
  process.stderr.write(`${error instanceof ConfigError ? error.message : describeError(error)}${hint}\n`);
  process.exit(1);
}

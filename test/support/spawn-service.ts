import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A service in a process of its own. */
export interface ServiceProcess {
  url: string;
  pid: number;
  /** Resolves with the signal or the exit code that it ended by. */
  ended: Promise<NodeJS.Signals | number>;
  kill(signal: NodeJS.Signals): void;
}

/** A service that may not serve yet. */
export interface LaunchedService extends Omit<ServiceProcess, 'url'> {
  /** Its address once it serves; undefined: it died before. */
  serving: Promise<string | undefined>;
}

/**
 * Starts test/support/service-process.ts. It dies with this process, however that ends. `onLog` is given the lines that
 * it logs.
 */
export function launchService(
  env: Record<string, string>,
  onLog: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
): LaunchedService {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'service-process.ts')], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(([code, signal]) => (signal ?? code) as NodeJS.Signals | number);
  const lines = createInterface(child.stdout!);
  const url = new Promise<string>((resolve) => {
    lines.on('line', (line) => (line.startsWith('http') ? resolve(line) : onLog(line)));
  });
  const serving = Promise.race([url, ended.then(() => undefined)]);
  return { serving, pid: child.pid!, ended, kill: (signal) => void child.kill(signal) };
}

/** Starts a service and waits until it serves; undefined: it died before. */
export async function spawnService(env: Record<string, string>): Promise<ServiceProcess | undefined> {
  const { serving, ...launched } = launchService(env);
  const url = await serving;
  return url === undefined ? undefined : { ...launched, url };
}

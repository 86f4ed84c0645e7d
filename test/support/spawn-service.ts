import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A service in a process of its own. */
export interface ServiceProcess {
  url: string;
  /** Resolves with the signal or the exit code that it ended by. */
  ended: Promise<NodeJS.Signals | number>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts test/support/service-process.ts and waits until it serves; undefined: it died before. */
export async function spawnService(env: Record<string, string>): Promise<ServiceProcess | undefined> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'service-process.ts')], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(([code, signal]) => (signal ?? code) as NodeJS.Signals | number);
  const lines = createInterface(child.stdout);
  const serving = new Promise<string>((resolve) => {
    // It logs there, too.
    lines.on('line', (line) => (line.startsWith('http') ? resolve(line) : process.stderr.write(`${line}\n`)));
  });
  const url = await Promise.race([serving, ended]);
  return typeof url === 'string' && url.startsWith('http')
    ? { url, ended, kill: (signal) => void child.kill(signal) }
    : undefined;
}

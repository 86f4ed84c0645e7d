/** Runs a command of the command line in a process of its own, in an empty folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { testEnv } from './service.ts';
import { until } from './until.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

export interface Command {
  /** What it has written so far. */
  stdout(): string;
  stderr(): string;
  /** Waits for a text on stdout; throws with all that was written when the command ends before. */
  said(text: string): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  /** Its exit code, or the signal that killed it. */
  ended: Promise<number | NodeJS.Signals>;
}

/** Starts a command with settings for a test, on a database of its own unless told otherwise; it ends with the test. */
export function startCommand(t: TestContext, args: string[], env: Record<string, string> = {}): Command {
  const cwd = mkdtempSync(join(tmpdir(), 'wxmp-command-'));
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { PATH: process.env.PATH, ...testEnv(`sqlite:${cwd}/test.db`, undefined), LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text) => {
      written[name] += text;
    });
  }
  let isOver = false;
  const ended = once(child, 'close').then(([code, signal]) => {
    isOver = true;
    rmSync(cwd, { recursive: true, force: true });
    return (signal ?? code) as number | NodeJS.Signals;
  });
  return {
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    async said(text) {
      await until(`the command says ${text}`, () => {
        if (isOver) throw new Error(`the command ended: ${written.stdout}${written.stderr}`);
        return written.stdout.includes(text);
      });
      return written.stdout;
    },
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

/** Runs a command to its end. */
export async function runCommand(t: TestContext, args: string[], env: Record<string, string> = {}) {
  const command = startCommand(t, args, env);
  const limit = setTimeout(() => command.kill('SIGKILL'), 60_000);
  const code = await command.ended;
  clearTimeout(limit);
  return { code, stdout: command.stdout(), stderr: command.stderr() };
}

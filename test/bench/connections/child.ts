/** Processes that are asked for something over their IPC channel, and what they use. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

// biome-ignore lint/suspicious/noExplicitAny: each side knows what the other one says
type Functions = Record<string, (argument: any) => unknown>;

/** Has whoever started this process call functions of it. */
export function serveParent(functions: Functions): void {
  process.on('message', async ({ id, name, argument }: { id: number; name: string; argument: unknown }) => {
    const result = await functions[name]!(argument);
    if (process.connected) process.send!({ id, result });
  });
}

export interface Child {
  process: ChildProcess;
  /** Calls a function of the process. Throws when it ends before it has answered. */
  ask<T>(name: string, argument?: unknown): Promise<T>;
  /** Ends it, and waits until it has. */
  stop(): Promise<void>;
}

/** Starts a program that calls serveParent. It ends with this process. */
export function startChild(file: string, { env = {}, options = [] as string[] } = {}): Child {
  const child = spawn(process.execPath, ['--expose-gc', ...options, file], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['pipe', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  const over = ended.then(([code, signal]) => {
    throw new Error(`${file} has ended by ${signal ?? code}`);
  });
  over.catch(() => {});
  let asked = 0;
  return {
    process: child,
    ask<T>(name: string, argument?: unknown) {
      const id = ++asked;
      const answered = new Promise<T>((resolve) => {
        const take = (message: { id?: number; result: T }) => {
          if (message.id !== id) return;
          child.off('message', take);
          resolve(message.result);
        };
        child.on('message', take);
      });
      child.send({ id, name, argument });
      return Promise.race([answered, over]);
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** What a process uses. */
export interface Usage {
  /** In use after a collection: objects, and what they hold outside of the heap. */
  heapBytes: number;
  /** Resident. */
  rssBytes: number;
}

/** Of this process. What a collection can free is freed first, where node has --expose-gc. */
export async function measureUsage(): Promise<Usage> {
  for (let round = 0; round < 5; round++) {
    globalThis.gc?.();
    await sleep(200); // what is freed is given back beside the program
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed + external, rssBytes: rss };
}

/** CPU time of this process since it began, in milliseconds. */
export function measureCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

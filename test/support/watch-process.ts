/** Looks at a process from outside. */
import { readFileSync } from 'node:fs';

/** The memory of a process that is resident now, in MB. */
export function readResidentMb(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024;
}

/** Follows the memory of a process until it is stopped; then tells the most that it was in each quarter of the time. */
export function watchMemory(pid: number): { stop(): number[] } {
  const samples = [readResidentMb(pid)];
  const timer = setInterval(() => samples.push(readResidentMb(pid)), 200);
  return {
    stop() {
      clearInterval(timer);
      samples.push(readResidentMb(pid));
      const from = (quarter: number) => Math.floor((samples.length * quarter) / 4);
      return [0, 1, 2, 3].map((at) => Math.max(...samples.slice(from(at), Math.max(from(at) + 1, from(at + 1)))));
    },
  };
}

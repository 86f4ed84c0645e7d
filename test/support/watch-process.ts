/** Looks at a process from outside. */
import { readFileSync } from 'node:fs';

/** The memory of a process that is resident now, in MB. */
export function readResidentMb(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024;
}

/** Follows the memory of a process until it is stopped; tells the most that it was. */
export function watchMemory(pid: number): { stop(): { mostMb: number; lastMb: number } } {
  let mostMb = readResidentMb(pid);
  const timer = setInterval(() => {
    mostMb = Math.max(mostMb, readResidentMb(pid));
  }, 200);
  return {
    stop() {
      clearInterval(timer);
      const lastMb = readResidentMb(pid);
      return { mostMb: Math.max(mostMb, lastMb), lastMb };
    },
  };
}

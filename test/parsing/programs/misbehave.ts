/** A parser that does what the document says: whatever a real one may be brought to do. */
import { parentPort, workerData } from 'node:worker_threads';

const what = new TextDecoder().decode(workerData.bytes as Uint8Array);
const kept: unknown[] = [];
Atomics.store(workerData.hasStarted as Int32Array, 0, 1);

switch (what) {
  case 'spin':
    for (;;) kept.length = 0;
  case 'hang':
    setInterval(() => {}, 1000);
    break;
  case 'fill the heap':
    for (;;) kept.push({ text: String(kept.length) });
  case 'fill buffers':
    for (;;) kept.push(new Uint8Array(8 * 1024 * 1024).fill(1));
  case 'throw':
    throw new RangeError('the document says: secret words');
  case 'reject':
    await Promise.reject(new TypeError('secret words'));
    break;
  case 'exit':
    process.exit(3);
    break;
  case 'recurse': {
    const recurse = (depth: number): number => recurse(depth + 1) + 1;
    recurse(0);
    break;
  }
  case 'print':
    for (let line = 0; line < 100_000; line++) process.stdout.write('secret words '.repeat(50));
    parentPort!.postMessage({ fileType: 'TXT', passages: [] });
    break;
  default:
    parentPort!.postMessage({ fileType: 'TXT', passages: [{ heading: '', text: what }] });
}

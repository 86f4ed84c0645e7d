/** The thread that parses one document. What it throws, and what it is stopped for, is the document's failure alone. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { Unreadable } from './block.ts';
import { type DocumentLimits, parseDocument } from './parse-document.ts';

/** What a thread is given, and what it answers. */
export interface ParseJob {
  bytes: Uint8Array<ArrayBuffer>;
  limits: DocumentLimits;
  /** Set to 1 at the start: from then on whatever ends the thread is the document's doing. */
  hasStarted: Int32Array;
}
export type ParseAnswer =
  | Awaited<ReturnType<typeof parseDocument>>
  | { unreadable: Unreadable['kind']; reason: string };

// On Linux that is the thread's own: questions are answered before documents are parsed.
if (process.platform === 'linux') setPriority(10);

const { bytes, limits, hasStarted } = workerData as ParseJob;
Atomics.store(hasStarted, 0, 1);
parentPort!.postMessage(await parse());

async function parse(): Promise<ParseAnswer> {
  try {
    return await parseDocument(bytes, limits);
  } catch (error) {
    if (error instanceof Unreadable) return { unreadable: error.kind, reason: error.message };
    // A reader met what it does not expect: that is the document's doing. The text of such errors may quote it.
    const name = error instanceof Error ? error.name : 'an error';
    return { unreadable: 'damaged', reason: `it is damaged: reading it ended with ${name}` };
  }
}

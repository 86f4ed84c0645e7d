/** The thread that decodes one SILK recording. */
import { parentPort, workerData } from 'node:worker_threads';
import { decode } from 'silk-wasm';
import { type SilkJob, silkSampleRate } from './decode-silk.ts';

const { bytes } = workerData as SilkJob;
const { data } = await decode(bytes, silkSampleRate);
parentPort!.postMessage(data);

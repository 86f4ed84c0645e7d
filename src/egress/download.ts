import { CallError } from '../errors.ts';
import type { EgressRule } from './allow.ts';
import { connect, type Dial, dialByTcp } from './connect.ts';
import { codeOf, mishap, refusal, TooSlow } from './errors.ts';
import { type Answer, exchange, type Limits, readHeader } from './exchange.ts';
import { findTarget, type Resolve, readUrl, resolveBySystem } from './target.ts';

export { TooSlow };

/** A file as it came. Content type and disposition are what the sender says, or ''. */
export interface Download {
  bytes: Uint8Array<ArrayBuffer>;
  contentType: string;
  disposition: string;
}

/** The only way out to an address that came from outside. */
export interface Downloader {
  /**
   * Fetches the bytes at an http or https address, following at most three redirects. Throws a CallError: 'permanent'
   * for what is refused or will never work, else 'transient'; a TooSlow for a sender that keeps to no pace. Its message
   * may be stored and shown: it names the host and the reason, never the address's path, query or password.
   * `maxBytes` is a limit of this one download's own.
   */
  download(url: string, signal: AbortSignal, maxBytes?: number): Promise<Download>;
  /** Breaks off what is under way, and resolves when every connection is closed. */
  close(): Promise<void>;
}

export interface DownloaderOptions {
  /** What may be reached although it is not public. */
  allow: readonly EgressRule[];
  maxBytes: number;
  /** For the whole download, its redirects included. */
  timeoutMs: number;
  /** The floor of the rate, judged over windows of `windowMs` once the body is due; 0: none. */
  minBytesPerSecond: number;
  /** Default 5,000. */
  windowMs?: number;
  /** From each request to the end of its answer's headers; default 30,000. */
  answerTimeoutMs?: number;
  /** Called once for each hop whose host is a name. Default: as the operating system resolves it. */
  resolve?: Resolve;
  /** For tests, which must not reach a public address. */
  dial?: Dial;
}

const maxRedirects = 3;
const redirects = new Set([301, 302, 303, 307, 308]);
/** Of the statuses from 400 to 499, those that may change with time. */
const passing = new Set([408, 425, 429]);
const maxRetryAfterMs = 24 * 60 * 60 * 1000;

export function createDownloader(options: DownloaderOptions): Downloader {
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();
  return {
    async download(url, signal, maxBytes = options.maxBytes) {
      const run = downloadWithin(url, AbortSignal.any([signal, closing.signal]), { ...options, maxBytes });
      const settled = run.then(
        () => {},
        () => {},
      );
      running.add(settled);
      try {
        return await run;
      } finally {
        running.delete(settled);
      }
    },
    async close() {
      closing.abort();
      await Promise.all(running);
    },
  };
}

async function downloadWithin(url: string, given: AbortSignal, options: DownloaderOptions): Promise<Download> {
  const { timeoutMs } = options;
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new TooSlow(`the download took more than ${timeoutMs} ms`)), timeoutMs);
  try {
    return await follow(readUrl(url), AbortSignal.any([given, limit.signal]), options);
  } catch (error) {
    if (error instanceof CallError) throw error;
    throw mishap(given.aborted ? 'the download was broken off' : `the download failed: ${codeOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

/** Each hop is resolved, judged and connected anew; nothing of one is used for the next. */
async function follow(first: URL, signal: AbortSignal, options: DownloaderOptions): Promise<Download> {
  const { allow, resolve = resolveBySystem, dial = dialByTcp } = options;
  const limits: Limits = { windowMs: 5000, answerTimeoutMs: 30_000, ...options };
  let url = first;
  for (let followed = 0; ; followed++) {
    signal.throwIfAborted();
    const target = await orAborted(findTarget(url, allow, resolve), signal);
    const answer = await exchange(await connect(target, dial, signal), url, limits, signal);
    if (answer.status === 200) return toDownload(answer);
    if (!redirects.has(answer.status)) throw failure(answer, url);
    if (followed === maxRedirects) throw refusal(`more than ${maxRedirects} redirects, the last from ${url.host}`);
    url = readLocation(answer, url);
  }
}

function toDownload({ bytes, headers }: Answer): Download {
  const [contentType, disposition] = ['content-type', 'content-disposition'].map((name) => readHeader(headers, name));
  return { bytes, contentType: contentType!, disposition: disposition! };
}

/** A look-up cannot be called off, only left behind. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', abort));
}

function readLocation({ status, headers }: Answer, from: URL): URL {
  const { location } = headers;
  if (typeof location !== 'string' || location === '') {
    throw refusal(`HTTP ${status} from ${from.host} without one Location`, status);
  }
  // Headers are read as latin1; what is not ASCII in them was meant as UTF-8.
  return readUrl(Buffer.from(location, 'latin1').toString(), from);
}

function failure({ status, headers }: Answer, url: URL): CallError {
  const message = `HTTP ${status} from ${url.host}`;
  if (status >= 400 && status < 500 && !passing.has(status)) return refusal(message, status);
  return mishap(message, { status, retryAfterMs: parseRetryAfter(readHeader(headers, 'retry-after')) });
}

/** Seconds or a date, as HTTP has it. */
function parseRetryAfter(header: string): number | undefined {
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(maxRetryAfterMs, Math.max(0, ms));
}

import { cite } from '../cite.ts';
import type { Answer, Expert, Found, Question } from '../expert.ts';
import { searchWithFiles } from '../search-files.ts';
import { type Searched, searchFor } from '../search-for.ts';
import { standIn } from '../stand-in.ts';
import { createEngines } from './engines.ts';
import { RemoteFailure } from './failure.ts';
import type { RemoteAnswer } from './read-final.ts';
import { runEngine } from './run-engine.ts';
import { writeRequest } from './write-request.ts';

export interface RemoteOptions {
  /** What an engine is told where the question has none of its own. */
  threshold: number;
  /** Answers in an engine's place where that gives nothing that can be shown. */
  fallback: Expert;
  /** The most that any engine gets for an answer. The caller's own limit must leave time for the fallback after it. */
  timeoutMs: number;
  /** Is told why the fallback answers: one of few short texts, without anything that was sent or received. */
  onFallback?: (reason: string) => void;
  /** How long no one calls an engine that failed five times in a row. Default: 30 s. */
  circuitOpenMs?: number;
  /** How many engines' connections are kept. Default: 64. */
  maxEngines?: number;
  /** After so much silence a connection is tried with a ping. Default: 20 s, or a third of `timeoutMs` if longer. */
  pingMs?: number;
  /** How long a connection without calls is kept. Default: 5 min. */
  idleMs?: number;
}

/** Engines that answer in the place of the built-in experts (expert/v1/expert.proto). */
export interface RemoteExperts {
  /** The expert that asks the engine at http(s)://host:port, for at most `timeoutMs`; 0: for as long as any gets. */
  at(address: string, timeoutMs: number): Expert;
  /** Ends all calls, which then fall back, and all connections. */
  close(): void;
}

/** So many passages an engine is given at most. */
const maxPassages = 8;
/** With the texts, a request stays below 4 MiB. */
const pictureBytes = 2 * 1024 * 1024;
const minPingMs = 20_000;

/**
 * Has remote engines answer from what is found, and from what else they know: an engine is the operator's own, so its
 * answer is shown without citations, too, and it decides itself when to refuse. After any failure the fallback answers.
 */
export function createRemoteExperts(options: RemoteOptions): RemoteExperts {
  const { timeoutMs: mostMs, fallback, circuitOpenMs = 30_000, maxEngines = 64, idleMs = 300_000 } = options;
  // Many servers cut connections with more than two pings in a row that they find too early. One call sends no more.
  const pingMs = options.pingMs ?? Math.max(minPingMs, Math.ceil(mostMs / 3));
  const engines = createEngines({ ...{ circuitOpenMs, maxEngines, pingMs, idleMs } });

  return {
    at: (address, ownMs) => ({
      name: 'remote',
      ...{ pictureBytes, summarises: true },
      async *answer(question, search, signal) {
        const threshold = question.threshold ?? options.threshold;
        const both = searchWithFiles(search, question.attachments);
        const { searched, found: all } = await searchFor(question, both, { threshold, limit: maxPassages });
        signal.throwIfAborted();
        const found = { ...all, passages: all.passages.slice(0, maxPassages) };
        const request = writeRequest(question, { searched, found }, threshold);
        const timeoutMs = ownMs === 0 ? mostMs : Math.min(ownMs, mostMs);
        let release = () => {};
        try {
          const taken = engines.take(address);
          release = taken.release;
          const answer = yield* runEngine(taken.engine, { request, timeoutMs }, signal);
          yield {
            type: 'final',
            answer: withPictures(showAnswer(answer, { searched, found }, threshold), answer, question),
          };
        } catch (error) {
          if (!(error instanceof RemoteFailure)) throw error;
          options.onFallback?.(error.message);
          yield* standIn(fallback, { question, search, signal }, { fellBack: error.message });
        } finally {
          release();
        }
      },
    }),
    close: () => engines.close(),
  };
}

function showAnswer(answer: RemoteAnswer, { searched, found }: Searched, threshold: number): Answer {
  const { text, cited, refused, dropped, tokens, model } = answer;
  return {
    text,
    citations: cite(cited.map((number) => found.passages[number - 1]!)),
    refused,
    trace: {
      ...{ expert: 'remote', searched, support: found.support, threshold },
      passages: withCited(found, cited),
      ...(model !== undefined && { model }),
      ...(tokens !== undefined && { tokens }),
      ...(dropped.length > 0 && { dropped }),
    },
  };
}

/** What the engine says of the pictures that it was sent. */
function withPictures(shown: Answer, { sawPictures }: RemoteAnswer, { attachments = [] }: Question): Answer {
  if (!attachments.some(({ kind }) => kind === 'image')) return shown;
  return { ...shown, trace: { ...shown.trace, sawPictures } };
}

function withCited({ passages }: Found, cited: readonly number[]): Answer['trace']['passages'] {
  return passages.map((passage, at) => ({ ...passage, cited: cited.includes(at + 1) }));
}

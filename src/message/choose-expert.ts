import { ExpertKind } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { ExpertSettings } from '../assistant/expert-settings.ts';
import { type Config, fallbackMs } from '../config.ts';
import type { Database } from '../db/database.ts';
import type { Expert } from '../expert/expert.ts';
import { createExtractiveExpert, extractiveThreshold } from '../expert/extractive.ts';
import { createLlmExpert } from '../expert/llm/llm.ts';
import { createRemoteExperts } from '../expert/remote/remote.ts';
import { standIn } from '../expert/stand-in.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { createTokenBudget } from './token-budget.ts';

/** Of the pictures of a question, a model is sent so many bytes. */
const maxPictureBytes = 20 * 1024 * 1024;

/** The expert that a configuration asks for. */
export type ChooseExpert = (settings: ExpertSettings) => Expert;

/** The experts that an installation has. */
export interface Experts {
  choose: ChooseExpert;
  /** Ends the connections to remote engines. */
  close(): void;
}

/** Makes the experts that this installation has. The extractive one stands behind each of the others. */
export function createExperts(
  config: Config,
  { database, logger, metrics }: { database: Database; logger: Logger; metrics: Metrics },
): Experts {
  const threshold = config.ANSWER_THRESHOLD ?? extractiveThreshold;
  const extractive = createExtractiveExpert({ threshold });
  const onFallback = (reason: string) => {
    metrics.expertFallbacks.inc({ reason });
    logger.warn({ reason }, 'the extractive answer takes the place of another');
  };
  const { LLM_BASE_URL: baseUrl, LLM_MODEL: model } = config;
  const llm =
    baseUrl !== undefined && model !== undefined
      ? createLlmExpert({
          ...{ baseUrl, model, apiKey: config.LLM_API_KEY, timeoutMs: config.LLM_TIMEOUT_MS },
          ...{ maxAnswerTokens: config.LLM_MAX_ANSWER_TOKENS, historyTokens: config.LLM_HISTORY_TOKENS },
          ...{
            threshold,
            fallback: extractive,
            onFallback,
            pictureBytes: config.LLM_SEES_IMAGES ? maxPictureBytes : 0,
          },
          budget: createTokenBudget(database, config.LLM_DAILY_TOKENS),
        })
      : undefined;

  const timeoutMs = Math.max(100, config.ANSWER_TIMEOUT_MS - fallbackMs);
  const remote = createRemoteExperts({ threshold, fallback: extractive, timeoutMs, onFallback });

  const choose: ChooseExpert = ({ kind, address, timeoutMs: ownMs }) => {
    if (kind === ExpertKind.REMOTE) return remote.at(address, ownMs);
    if (kind === ExpertKind.LLM) return llm ?? missing('no model is set', extractive, onFallback);
    if (kind === ExpertKind.UNSPECIFIED) return llm ?? extractive;
    return extractive;
  };
  return { choose, close: () => remote.close() };
}

/** Stands where an expert was chosen that the installation has not got any more. */
function missing(reason: string, fallback: Expert, onFallback: (reason: string) => void): Expert {
  return {
    name: fallback.name,
    async *answer(question, search, signal) {
      onFallback(reason);
      yield* standIn(fallback, { question, search, signal }, { fellBack: reason });
    },
  };
}

import type { Config } from '../config.ts';
import type { Database } from '../db/database.ts';
import type { Expert } from '../expert/expert.ts';
import { createExtractiveExpert, extractiveThreshold } from '../expert/extractive.ts';
import { createLlmExpert } from '../expert/llm/llm.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { createTokenBudget } from './token-budget.ts';

/** The expert that the settings ask for: a model where an endpoint is set, with the extractive one behind it. */
export function createExpert(
  config: Config,
  { database, logger, metrics }: { database: Database; logger: Logger; metrics: Metrics },
): Expert {
  const threshold = config.ANSWER_THRESHOLD ?? extractiveThreshold;
  const extractive = createExtractiveExpert({ threshold });
  const { LLM_BASE_URL: baseUrl, LLM_MODEL: model } = config;
  if (baseUrl === undefined || model === undefined) return extractive;
  return createLlmExpert({
    baseUrl,
    apiKey: config.LLM_API_KEY,
    model,
    timeoutMs: config.LLM_TIMEOUT_MS,
    maxAnswerTokens: config.LLM_MAX_ANSWER_TOKENS,
    historyTokens: config.LLM_HISTORY_TOKENS,
    threshold,
    fallback: extractive,
    budget: createTokenBudget(database, config.LLM_DAILY_TOKENS),
    onFallback: (reason) => {
      metrics.modelFallbacks.inc();
      logger.warn({ reason }, "the extractive answer takes the place of the model's");
    },
  });
}

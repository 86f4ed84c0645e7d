import type { HandlerContext } from '@connectrpc/connect';
import type { AskRequest } from '../../gen/wxmp/message/v1/message_pb.ts';
import { viewOf } from '../assistant/get-assistant.ts';
import { requireAssistant } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import { AppError } from '../errors.ts';
import type { Turn } from '../expert/expert.ts';
import { composeAnswer } from './compose-answer.ts';
import { toCitation, toExplanation } from './explanation.ts';

/** See MessageService.Ask. */
export function ask(context: Context) {
  return async function* (request: AskRequest, { signal }: HandlerContext) {
    const { appid, content, view } = request;
    await requireAssistant(context.database, appid);
    const history = request.history.map((turn) => ({
      speaker: turn.speaker as Turn['speaker'],
      content: turn.content,
    }));
    const limit = AbortSignal.any([signal, AbortSignal.timeout(context.config.ANSWER_TIMEOUT_MS)]);
    const asked = { appid, view: viewOf(view), text: content, history };
    for await (const step of composeAnswer(context, asked, limit)) {
      if (limit.aborted && !signal.aborted) throw new AppError('UNAVAILABLE', 'the expert took too long');
      if ('draft' in step) yield { text: step.draft };
      else {
        const { text, citations } = step.final;
        const explanation = toExplanation(step.final);
        yield { text, isFinal: true, citations: citations.map(toCitation), explanation };
      }
    }
  };
}

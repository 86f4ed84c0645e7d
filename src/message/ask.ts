import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { AssistantView } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { AskRequest, AskResponseSchema } from '../../gen/wxmp/message/v1/message_pb.ts';
import { viewOf } from '../assistant/get-assistant.ts';
import { requireAssistant, type View } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import { AppError, CallError } from '../errors.ts';
import type { Turn } from '../expert/expert.ts';
import { composeAnswer } from './compose-answer.ts';
import { toCitation, toExplanation } from './explanation.ts';
import { interleave } from './interleave.ts';

type State = MessageInitShape<typeof AskResponseSchema>;

/** See MessageService.Ask. */
export function ask(context: Context) {
  return async function* (request: AskRequest, { signal }: HandlerContext) {
    await requireAssistant(context.database, request.appid);
    const views: View[] = request.compare ? ['online', 'draft'] : [viewOf(request.view)];
    const left = new AbortController();
    const either = AbortSignal.any([signal, left.signal]);
    try {
      yield* interleave(views.map((view) => answerAs(context, request, view, either)));
    } catch (error) {
      throw signal.aborted ? error : toUnavailable(error);
    } finally {
      left.abort(); // where one configuration failed, the other is not waited for
    }
  };
}

/** What failed is not us: the expert, or an endpoint that it needs. */
function toUnavailable(error: unknown): unknown {
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new AppError('UNAVAILABLE', 'the expert took too long');
  }
  return error instanceof CallError ? new AppError('UNAVAILABLE', error.message) : error;
}

/** The answer of one configuration, as it comes to be. */
async function* answerAs(
  context: Context,
  { appid, content, history: turns }: AskRequest,
  view: View,
  signal: AbortSignal,
): AsyncGenerator<State> {
  const history = turns.map((turn) => ({ speaker: turn.speaker as Turn['speaker'], content: turn.content }));
  const shownView = view === 'draft' ? AssistantView.DRAFT : AssistantView.ONLINE;
  for await (const step of composeAnswer(context, { appid, view, text: content, history, drafts: true }, signal)) {
    signal.throwIfAborted();
    if ('draft' in step) yield { text: step.draft, view: shownView };
    else {
      const { text, citations } = step.final;
      const explanation = toExplanation(step.final);
      yield { text, isFinal: true, citations: citations.map(toCitation), explanation, view: shownView };
    }
  }
}

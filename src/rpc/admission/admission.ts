import type { DescMethod } from '@bufbuild/protobuf';
import type { Interceptor } from '@connectrpc/connect';
import { Gauge } from 'prom-client';
import { Health } from '../../../gen/grpc/health/v1/health_pb.ts';
import type { Context } from '../../context.ts';
import { type AppError, tooMuch } from '../../errors.ts';
import { type Backlog, createBacklog } from './backlog.ts';
import { createGate, Refused } from './gate.ts';
import { loadsOf } from './load.ts';
import { createRepeats, findArticleEvent, findMessage, type Repeats } from './repeats.ts';

/** Decides which calls that write are taken in, and refuses the others with TOO_MUCH. See docs/adr/0014-admission.md. */
export interface Admission {
  /** Throws where there are too many calls already to read the body of one more. For calls after they are authorized. */
  checkRoom(method: DescMethod): void;
  /** Counts a call, from its headers to the end of its answer. */
  begin(): void;
  end(): void;
  /** Holds a decoded call against its account's shares, and lets it wait for its turn. */
  interceptor: Interceptor;
}

export function createAdmission(context: Context): Admission {
  const { config, metrics } = context;
  const gate = createGate({
    slots: config.ACCEPT_WORKERS,
    maxWaiting: config.ACCEPT_QUEUE_CALLS,
    maxWaitMs: config.ACCEPT_WAIT_MS,
  });
  const waitings = createWaitings(context);
  let calls = 0;

  const refuse = (reason: string, message: string, retryAfterSeconds: number): AppError => {
    metrics.refused.inc({ reason });
    // Half as long again at most, so that those who were refused together don't come back together.
    const retryAfter = Math.ceil(retryAfterSeconds * (1 + Math.random() / 2));
    return tooMuch(message, retryAfter, reason);
  };
  new Gauge({
    name: 'wxmp_calls_now',
    help: 'Calls at this moment: open in all; of those that write, accepting and waiting for their turn.',
    labelNames: ['state'],
    registers: [metrics.registry],
    collect() {
      const { running, waiting } = gate.count();
      this.set({ state: 'open' }, calls);
      this.set({ state: 'accepting' }, running);
      this.set({ state: 'waiting' }, waiting);
    },
  });

  return {
    checkRoom(method) {
      if (method.parent.typeName === Health.typeName) return; // a supervisor would take its refusal for a death
      // Reading goes on in a flood of writing.
      const most = isAdmitted(method) ? config.MAX_OPEN_CALLS : 2 * config.MAX_OPEN_CALLS;
      if (calls > most) throw refuse('calls', 'too many calls at once, try again', 1);
    },
    begin: () => {
      calls++;
    },
    end: () => {
      calls--;
    },
    interceptor: (next) => async (request) => {
      const { method, signal } = request;
      if (request.stream || !isAdmitted(method)) return next(request);
      const loads = loadsOf(method, request.message);
      const waiting = waitings.get(method.name);
      const tooMuch = loads.filter(({ appid, withdraws }) => waiting?.backlog.hasRoom(appid, withdraws) === false);
      if (tooMuch.length > 0 && !(await waiting!.repeats.includes(tooMuch, signal))) {
        throw refuse('backlog', 'too much of this account waits to be worked on, try again later', 10);
      }
      // What is taken back does not wait behind what the same account adds.
      const kind = loads.length > 0 && loads.every(({ withdraws }) => withdraws) ? 'withdraw ' : '';
      const leave = await gate
        .enter(`${method.parent.typeName} ${kind}${loads[0]?.appid ?? ''}`, signal)
        .catch((error) => {
          if (!(error instanceof Refused)) throw error;
          throw refuse(error.refusal, 'too much at once, try again', error.refusal === 'stuck' ? 5 : 1);
        });
      try {
        const response = await next(request);
        for (const { appid } of loads) waiting?.backlog.add(appid, 1);
        return response;
      } finally {
        leave();
      }
    },
  };
}

/** What waits to be worked on, of the calls that leave something to be worked on. */
interface Waiting {
  backlog: Backlog;
  repeats: Repeats;
}

function createWaitings(context: Context): Map<string, Waiting> {
  const { config, database: session, logger } = context;
  const questions = createBacklog({ session, logger, table: 'message', limit: config.BACKLOG_QUESTIONS });
  const events = createBacklog({ session, logger, table: 'article_event', limit: config.BACKLOG_EVENTS });
  return new Map([
    ['NotifyMessage', { backlog: questions, repeats: createRepeats(context, findMessage) }],
    ['NotifyArticleEvent', { backlog: events, repeats: createRepeats(context, findArticleEvent) }],
  ]);
}

/** The calls of the protocol that write. Those that read, and those of operators, are not held up by a flood. */
function isAdmitted(method: DescMethod): boolean {
  return admitted.has(`${method.parent.typeName}.${method.name}`);
}

const admitted = new Set([
  'wxmp.assistant.v1.AssistantService.CreateAssistant',
  'wxmp.assistant.v1.AssistantService.UpdateAssistant',
  'wxmp.assistant.v1.AssistantService.DeleteAssistant',
  'wxmp.assistant.v1.AssistantService.PublishAssistant',
  'wxmp.assistant.v1.AssistantService.RevertAssistant',
  'wxmp.knowledge.v1.KnowledgeService.CreateKnowledge',
  'wxmp.knowledge.v1.KnowledgeService.UpdateKnowledge',
  'wxmp.knowledge.v1.KnowledgeService.DeleteKnowledge',
  'wxmp.article.v1.ArticleService.NotifyArticleEvent',
  'wxmp.message.v1.MessageService.NotifyMessage',
]);

import { pruneEvents } from '../article/prune-events.ts';
import { finishDeletions, purgeAssistants } from '../assistant/purge-assistants.ts';
import type { Context } from '../context.ts';
import { pruneAudit } from '../dispatch/prune-audit.ts';
import { pruneDispatches } from '../dispatch/prune-dispatches.ts';
import { pruneLanes } from '../dispatch/prune-lanes.ts';
import { describeError } from '../errors.ts';
import { pruneDocuments } from '../knowledge/prune-documents.ts';
import { purgeBases } from '../knowledge/purge-bases.ts';
import { finishErasures } from '../message/finish-erasures.ts';
import { pruneConversations } from '../message/prune-conversations.ts';
import { pruneMessages } from '../message/prune-messages.ts';
import { pruneTokenUse } from '../message/token-budget.ts';
import { pruneConnections } from '../wecom/long-connection/connection-store.ts';
import { pruneSessions } from '../wecom/prune-sessions.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** Deletes some of what is over, and returns how much. It may be cut off, and begun again, at any point. */
type Step = (context: Context, signal: AbortSignal) => Promise<number>;

/** In an order in which each finds what those before have let go. What each keeps, and why, is in docs/retention.md. */
const steps: Record<string, Step> = {
  deletions: finishDeletions,
  erasures: finishErasures,
  messages: pruneMessages,
  conversations: pruneConversations,
  sessions: pruneSessions,
  dispatches: ({ database, config }, signal) =>
    pruneDispatches(database, config.DISPATCH_RETENTION_DAYS * dayMs, signal),
  events: pruneEvents,
  documents: pruneDocuments,
  bases: purgeBases,
  assistants: purgeAssistants,
  lanes: ({ database }, signal) => pruneLanes(database, signal),
  connections: ({ database }) => pruneConnections(database),
  token_use: ({ database }, signal) => pruneTokenUse(database, signal),
  audit: ({ database, config }, signal) => pruneAudit(database, config.AUDIT_RETENTION_DAYS * dayMs, signal),
};

/** The scheduled job: deletes what nobody is owed, and what is kept for no longer. A step that fails stops no other. */
export async function prune(context: Context, signal: AbortSignal): Promise<void> {
  const { logger, metrics } = context;
  const pruned: Record<string, number> = {};
  const failed: unknown[] = [];
  for (const [what, step] of Object.entries(steps)) {
    if (signal.aborted) break;
    try {
      const count = await step(context, signal);
      pruned[what] = count;
      metrics.pruned.inc({ what }, count);
    } catch (error) {
      failed.push(error);
      logger.error({ what, error: describeError(error) }, 'pruning failed');
    }
  }
  logger.info(pruned, 'pruned');
  if (failed.length > 0) throw failed[0];
}

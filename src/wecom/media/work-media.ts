import type { Context } from '../../context.ts';
import { type Lease, LeaseLost, lockLease, releaseLease } from '../../db/lease.ts';
import { type RenewedRun, startRenewingLoop } from '../../db/renewing-loop.ts';
import type { WorkLoop } from '../../db/work-loop.ts';
import { backoffMs } from '../../dispatch/backoff.ts';
import { classify } from '../../dispatch/classify.ts';
import {
  beginFetch,
  type Fetched,
  findPendingAttachment,
  linkMs,
  type PendingAttachment,
  settleAttachment,
} from '../../message/attachment/store.ts';
import { addError } from '../integration/status-store.ts';
import { fetchMedia } from './fetch-media.ts';
import { isSeen } from './is-seen.ts';

/** More tries than a bad network needs in five minutes: what kills the process that fetches it ends here. */
const maxTries = 20;

const backoff = { baseMs: 500, maxMs: 20_000 };

/** The workers that fetch pictures and files. See message/attachment/README.md. */
export function startFetching(context: Context): WorkLoop {
  const { database, config, logger, metrics } = context;
  return startRenewingLoop({
    session: database,
    logger,
    metrics,
    leased: { table: 'attachment', key: 'attachment_id' },
    index: 'attachment_by_account',
    leaseMs: config.LEASE_SECONDS * 1000,
    concurrency: config.FILE_WORKERS,
    work: (lease, run, wakeIn) => workAttachment(context, lease, run, wakeIn),
  });
}

async function workAttachment(
  context: Context,
  lease: Lease,
  run: RenewedRun,
  wakeIn: (ms: number) => void,
): Promise<void> {
  const { database } = context;
  const media = await findPendingAttachment(database, lease.id);
  if (media === undefined || run.isStopping()) return release(context, lease, media && 0);
  const step = await tryFetch(context, lease, media, run.signal);
  if ('waitMs' in step) {
    await release(context, lease, step.waitMs);
    return wakeIn(step.waitMs);
  }
  await settle(context, lease, media, step);
}

async function release({ database }: Context, lease: Lease, dueInMs: number | undefined): Promise<void> {
  await database.tx(async (tx) => {
    if (await lockLease(tx, lease)) await releaseLease(tx, lease, dueInMs);
  });
}

/** Tries once. What may go well at another try waits, as long as the link lives. */
async function tryFetch(
  context: Context,
  lease: Lease,
  media: PendingAttachment,
  signal: AbortSignal,
): Promise<Fetched | { waitMs: number }> {
  const { database, logger } = context;
  const tries = media.tries + 1;
  if (media.ageMs > linkMs || tries > maxTries) return { kind: 'failed', reason: 'it was not fetched in time' };
  if (!(await database.tx((tx) => beginFetch(tx, lease, tries)))) throw new LeaseLost(lease);
  try {
    if (media.kind === 'image' && !(await isSeen(context, media.appid))) {
      return { kind: 'failed', reason: unseen };
    }
    return await fetchMedia(context, media, signal);
  } catch (error) {
    if (signal.aborted) {
      if (signal.reason instanceof LeaseLost) throw signal.reason;
      return { waitMs: 0 };
    }
    const { verdict, reason } = classify(error);
    const waitMs = backoffMs(tries, backoff);
    if (verdict !== 'transient' || media.ageMs + waitMs > linkMs) return { kind: 'failed', reason };
    logger.warn({ appid: media.appid, attachment: media.attachmentId, reason }, 'an attachment is tried again');
    return { waitMs };
  }
}

/** No failure: nobody would look at it. */
const unseen = 'no expert here looks at pictures';

async function settle(context: Context, lease: Lease, media: PendingAttachment, fetched: Fetched): Promise<void> {
  const { database, logger, wake } = context;
  const { appid, attachmentId: attachment, integrationId, kind } = media;
  await database.tx(async (tx) => {
    await settleAttachment(tx, lease, media, fetched);
    if (fetched.kind === 'failed' && fetched.reason !== unseen) {
      await addError(tx, integrationId, { code: 0, what: 'media', reason: `${kind}: ${fetched.reason}` });
    }
    tx.afterCommit(() => {
      const isFailed = fetched.kind === 'failed';
      logger.info({ appid, attachment, kind, ...(isFailed && { reason: fetched.reason }) }, 'attachment settled');
      wake.messages();
    });
  });
}

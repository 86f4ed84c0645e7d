/**
 * Repeats without a kill: on a machine with too much to do, a replica may stand still while the receiver answers, and
 * give up waiting, or lose its lane before it has recorded what it sent. It says so in its log.
 */
import type { Database } from '../../src/db/database.ts';
import type { Blow } from './tally.ts';

export interface StallWatch {
  /** Takes a line that a replica logged. */
  read(replica: string, line: string): void;
  /** What was seen, by user. */
  list(database: Database): Promise<Blow[]>;
}

interface Entry {
  msg?: string;
  reason?: string;
  dispatchId?: string;
  laneId?: string;
}

export function watchStalls(): StallWatch {
  const seen: { name: string; atMs: number; dispatchId?: string; laneId?: string }[] = [];
  return {
    read(name, line) {
      const entry = parse(line);
      const isLost = entry.msg === 'lane was taken over by another worker' && entry.laneId !== undefined;
      const isTimeout = entry.dispatchId !== undefined && /timeout|timed out|aborted/i.test(entry.reason ?? '');
      const isFailed = entry.msg?.startsWith('delivering failed') ?? false; // the database was too slow, on some lane
      if (!isLost && !isTimeout && !isFailed) return;
      const { dispatchId, laneId } = entry;
      seen.push({ name, atMs: performance.now(), ...(dispatchId && { dispatchId }), ...(laneId && { laneId }) });
    },
    async list(database) {
      const rows = await database.all<{ dispatch_id: string; lane_id: string; openid: string }>(
        // What was enqueued without a message is on a lane that is named after the user.
        `select d.dispatch_id, d.lane_id, coalesce(m.openid, substr(d.lane_id, 6)) openid
          from dispatch d left join message m on m.message_id = d.message_id`,
      );
      const users = new Map(
        rows.flatMap((row) => [[row.dispatch_id, row.openid] as const, [row.lane_id, row.openid] as const]),
      );
      return seen.flatMap(({ name, atMs, dispatchId, laneId }) => {
        const id = dispatchId ?? laneId;
        if (id === undefined) return [{ what: 'stall' as const, name, atMs }];
        const openid = users.get(id);
        return openid === undefined ? [] : [{ what: 'stall' as const, name, atMs, openid }];
      });
    },
  };
}

function parse(line: string): Entry {
  try {
    return JSON.parse(line) as Entry;
  } catch {
    return {};
  }
}

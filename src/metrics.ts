import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type Metrics = ReturnType<typeof createMetrics>;

/** The metrics of one service, for `/metrics`; labels never hold what comes from outside. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    calls: new Histogram({
      name: 'wxmp_call_seconds',
      help: 'Calls by method and result.',
      labelNames: ['method', 'code'],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    }),
    refused: new Counter({
      name: 'wxmp_refused_total',
      help: 'Calls refused with 42901 for overload: busy, full or stuck (accepting), backlog, calls (open in all).',
      labelNames: ['reason'],
      registers,
    }),
    messages: new Counter({
      name: 'wxmp_messages_total',
      help: 'Messages of users: accepted, repeated, answered, refused (nothing found) or failed.',
      labelNames: ['event'],
      registers,
    }),
    expertFallbacks: new Counter({
      name: 'wxmp_expert_fallbacks_total',
      help: "Extractive answers in the place of a model's or a remote engine's, by reason.",
      labelNames: ['reason'],
      registers,
    }),
    answerSeconds: new Histogram({
      name: 'wxmp_answer_seconds',
      help: 'From the acceptance of a message to the commit of its answer.',
      buckets: [0.05, 0.2, 1, 5, 20, 60, 300],
      registers,
    }),
    dispatches: new Counter({
      name: 'wxmp_dispatches_total',
      help: 'Dispatches by kind: delivered, retried, fallback (took its other route), dead, expired or lost (the lease went to another replica).',
      labelNames: ['kind', 'event'],
      registers,
    }),
    leasesLost: new Counter({
      name: 'wxmp_leases_lost_total',
      help: 'Work that was stopped because its lease went to another replica, or may have.',
      labelNames: ['table'],
      registers,
    }),
    databaseRetries: new Counter({
      name: 'wxmp_database_retries_total',
      help: 'Statements and transactions that were run again: a deadlock, a lock wait, a lost connection, a busy file.',
      registers,
    }),
    learned: new Counter({
      name: 'wxmp_documents_total',
      help: 'Articles of pages by what happened to them: learned or removed.',
      labelNames: ['event'],
      registers,
    }),
    files: new Counter({
      name: 'wxmp_files_total',
      help: 'Files of handled events by file_rag_status: 5 learned, 2, 4, 6, 7 and 9 not learned, 8 deleted.',
      labelNames: ['state'],
      registers,
    }),
    parseSeconds: new Histogram({
      name: 'wxmp_file_parse_seconds',
      help: 'From the arrival of a file to its passages or its refusal, the wait for a parser included.',
      buckets: [0.1, 0.5, 2, 10, 60, 300],
      registers,
    }),
    pruned: new Counter({
      name: 'wxmp_pruned_total',
      help: 'What the job of PRUNE_CRON deleted, by kind.',
      labelNames: ['what'],
      registers,
    }),
    backlog: new Gauge({
      name: 'wxmp_backlog',
      help: 'What waits, up to 10,000 of each: pending; dead; begun without an end; lanes and conversations due, not yet taken.',
      labelNames: ['what'],
      registers,
    }),
    botConnections: new Gauge({
      name: 'wxmp_bot_connections',
      help: 'Bots that are to be connected, by state: connected, connecting, waiting, stopped; unheld: by no process.',
      labelNames: ['state'],
      registers,
    }),
    pauses: new Gauge({
      name: 'wxmp_delivery_pauses',
      help: 'Pauses of deliveries: of everything (global), of accounts (appid) and of integrations (integration).',
      labelNames: ['scope'],
      registers,
    }),
    oldestSeconds: new Gauge({
      name: 'wxmp_oldest_pending_seconds',
      help: 'Age of the oldest of each kind of wxmp_backlog; of lanes and conversations, for how long they have been due.',
      labelNames: ['what'],
      registers,
    }),
  };
}

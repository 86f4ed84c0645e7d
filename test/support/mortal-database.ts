/** A database as one process sees it, which dies or is paused at a chosen step: a statement, or a commit. */
import type { Database } from '../../src/db/database.ts';
import type { Session } from '../../src/db/session.ts';

export interface MortalDatabase extends Database {
  /** The process dies when so many more steps took effect. What it had open is rolled back; nothing more comes of it. */
  dieAfter(steps: number): void;
  /** It is paused then, until `resume`; in the midst of a transaction only once that is over. */
  pauseAfter(steps: number): void;
  resume(): void;
  isDead(): boolean;
  /** Whether it will die. */
  isDoomed(): boolean;
  isPaused(): boolean;
  /** Whether a statement or a transaction of it is under way. */
  isBusy(): boolean;
}

export function createMortal(real: Database): MortalDatabase {
  let stepsToDeath = Number.POSITIVE_INFINITY;
  let stepsToPause = Number.POSITIVE_INFINITY;
  let underWay = 0;
  let gate: PromiseWithResolvers<void> | undefined;
  const isDead = () => stepsToDeath <= 0;
  const step = () => {
    stepsToDeath--;
    stepsToPause--;
  };

  /** What the process does between transactions: never comes back to one that died, and waits while it is paused. */
  async function alive<T>(work: () => Promise<T>): Promise<T> {
    await gate?.promise; // all of a paused process stands still
    if (isDead()) return never();
    underWay++;
    let result: T;
    try {
      result = await work();
      step();
    } catch (error) {
      if (error instanceof Died) return never();
      throw error;
    } finally {
      underWay--;
    }
    if (isDead()) return never();
    if (stepsToPause <= 0) {
      stepsToPause = Number.POSITIVE_INFINITY;
      gate = Promise.withResolvers();
    }
    await gate?.promise;
    return isDead() ? never() : result;
  }

  async function inTransaction<T>(statement: () => Promise<T>): Promise<T> {
    const result = await statement();
    step();
    if (isDead()) throw new Died();
    return result;
  }

  return {
    dialect: real.dialect,
    ...wrap(real, alive),
    tx: (work, options) =>
      alive(() => real.tx((tx) => work({ ...tx, ...wrap(tx, inTransaction), afterCommit() {} }), options)),
    close: async () => {},
    dieAfter: (steps) => {
      stepsToDeath = steps;
    },
    pauseAfter: (steps) => {
      stepsToPause = steps;
    },
    resume: () => {
      gate?.resolve();
      gate = undefined;
    },
    isDead,
    isDoomed: () => Number.isFinite(stepsToDeath),
    isPaused: () => gate !== undefined,
    isBusy: () => underWay > 0,
  };
}

class Died extends Error {}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}

type Step = <T>(work: () => Promise<T>) => Promise<T>;

function wrap(session: Session, step: Step): Omit<Session, 'dialect'> {
  return {
    all: (sql, bindings) => step(() => session.all(sql, bindings)),
    run: (sql, bindings) => step(() => session.run(sql, bindings)),
    insert: (table, rows) => step(() => session.insert(table, rows)),
    insertOrKeep: (table, row, key) => step(() => session.insertOrKeep(table, row, key)),
    upsert: (table, row, key, merge) => step(() => session.upsert(table, row, key, merge)),
  };
}

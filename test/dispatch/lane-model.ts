/** What a lane may do to its receiver: the promise of src/dispatch/README.md, without tables, leases and tokens. */
import assert from 'node:assert/strict';

interface Item {
  payload: string;
  /** `unseen`: a try had this end, but perhaps it was not recorded. */
  state: 'pending' | 'delivered' | 'dead';
  unseen: boolean;
  arrivals: number;
  /** How often a worker that may have begun it was cut off: killed, or paused past its lease. */
  cutOff: number;
  /** How often it was killed: after three times it may be what kills. */
  killed: number;
}

export interface LaneModel {
  enqueue(payload: string): void;
  /** A worker hands a dispatch to its sender: it must be the first that isn't settled. */
  send(payload: string): void;
  /** The receiver has it. */
  arrive(payload: string): void;
  /** A try ended; `recorded`: whoever made it was alive and held the lane until that was in the table. */
  end(payload: string, state: Item['state'], recorded: boolean): void;
  /** The worker that held the lane was cut off; by death, or by a pause after which it comes back. */
  cutOff(how: 'killed' | 'paused'): void;
  /** Compares with what the table says in the end. */
  check(rows: readonly { payload: string; state: string }[]): void;
  /** Of all dispatches: how many arrived, and how often. */
  count(): { distinct: number; arrivals: number };
}

export function createLaneModel(): LaneModel {
  const items: Item[] = [];
  const find = (payload: string) => items.find((item) => item.payload === payload)!;
  /** What lies before an item that is sent must be over: it is known to be, or may have been recorded unseen. */
  const settleBefore = (at: number) => {
    for (const item of items.slice(0, at)) {
      if (item.state === 'pending' && item.killed >= 3) item.state = 'dead'; // buried
      assert.notEqual(item.state, 'pending', `${items[at]?.payload} is sent before ${item.payload}`);
      item.unseen = false;
    }
  };
  return {
    enqueue: (payload) => items.push({ payload, state: 'pending', unseen: false, arrivals: 0, cutOff: 0, killed: 0 }),
    send(payload) {
      const item = find(payload);
      assert.ok(item.state === 'pending' || item.unseen, `${payload} is sent again although it is ${item.state}`);
      item.state = 'pending';
      settleBefore(items.indexOf(item));
      const later = items.slice(items.indexOf(item) + 1).find(({ arrivals }) => arrivals > 0);
      assert.equal(later, undefined, `${payload} is sent behind ${later?.payload}`);
    },
    arrive(payload) {
      const item = find(payload);
      item.arrivals++;
      assert.ok(item.arrivals <= 1 + item.cutOff, `${payload} arrived ${item.arrivals} times`);
    },
    end(payload, state, recorded) {
      const item = find(payload);
      if (item.state !== 'pending') return;
      item.state = state;
      item.unseen = !recorded && state !== 'pending';
    },
    cutOff(how) {
      const at = items.findIndex(({ state, unseen }) => state === 'pending' || unseen);
      // It may have settled that one unseen and gone on to the next.
      for (const item of items.slice(at === -1 ? items.length : at).slice(0, 2)) {
        item.cutOff++;
        if (how === 'killed') item.killed++;
      }
    },
    check(rows) {
      settleBefore(items.length);
      assert.deepEqual(
        rows.map(({ payload }) => payload),
        items.map(({ payload }) => payload),
      );
      for (const [at, { payload, state, arrivals, killed }] of items.entries()) {
        const told = rows[at]?.state;
        const isBuried = told === 'dead' && killed >= 3;
        assert.ok(told === state || isBuried, `${payload} is ${told}, and should be ${state}`);
        assert.ok(told !== 'delivered' || arrivals > 0, `${payload} counts as delivered and never arrived`);
      }
    },
    count: () => ({
      distinct: items.filter(({ arrivals }) => arrivals > 0).length,
      arrivals: items.reduce((sum, { arrivals }) => sum + arrivals, 0),
    }),
  };
}

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createQuota } from '../../src/wecom/long-connection/quota.ts';

const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`TEST_SEED=${seed}`);
const chances = { seed, numRuns: 100 };

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

type Kind = 'draft' | 'opening' | 'answer';

/** Frames of one chat that are asked for at an even pace, with a refusal of WeCom here and there. */
interface Stretch {
  asked: number;
  gapMs: number;
  /** Of ten, so many are drafts. */
  drafts: number;
  /** After each so many; 0: none. */
  refusedEach: number;
}

const stretch: fc.Arbitrary<Stretch> = fc.record({
  asked: fc.integer({ min: 1, max: 400 }),
  gapMs: fc.constantFrom(0, 1, 150, 999, 1000, 2000, 3600, 20_000, 240_000),
  drafts: fc.integer({ min: 0, max: 10 }),
  refusedEach: fc.constantFrom(0, 0, 7, 40),
});
const history = fc.array(stretch, { minLength: 1, maxLength: 12 });

/** A quota with a clock of its own, and what it has let pass. */
function createWatched() {
  const clock = { nowMs: 0 };
  const quota = createQuota(() => clock.nowMs);
  const passed: { chat: string; kind: Kind; atMs: number }[] = [];
  const take = (chat: string, kind: Kind) => {
    const waitMs = quota.take(chat, kind);
    if (waitMs === 0) passed.push({ chat, kind, atMs: clock.nowMs });
    return waitMs;
  };
  /** How many of a chat have passed within so long. */
  const within = (chat: string, spanMs: number) => {
    let count = 0;
    for (let index = passed.length - 1; index >= 0 && passed[index]!.atMs > clock.nowMs - spanMs; index--)
      if (passed[index]!.chat === chat) count++;
    return count;
  };
  return { clock, quota, passed, take, within };
}

type Watched = ReturnType<typeof createWatched>;

/** Plays what is asked for; `onTake` is told of each, with how long it was to wait. */
function play(watched: Watched, stretches: readonly Stretch[], onTake: (kind: Kind, waitMs: number) => void) {
  for (const { asked, gapMs, drafts, refusedEach } of stretches) {
    for (let index = 0; index < asked; index++) {
      watched.clock.nowMs += gapMs;
      const kind = index % 10 < drafts ? 'draft' : 'answer';
      onTake(kind, watched.take('c', kind));
      if (refusedEach > 0 && index % refusedEach === 0) watched.quota.refused('c');
    }
  }
}

describe('the quota of a chat', () => {
  test('lets no more than 30 frames a minute and 1,000 an hour pass, whatever is asked', () => {
    fc.assert(
      fc.property(history, (stretches) => {
        const watched = createWatched();
        play(watched, stretches, () => {
          assert.ok(watched.within('c', minuteMs) <= 30);
          assert.ok(watched.within('c', hourMs) <= 1000);
        });
      }),
      chances,
    );
  });

  test('is not smaller than that either: 30 answers pass in a minute, 1,000 in an hour', () => {
    const watched = createWatched();
    for (let index = 0; index < 40; index++) watched.take('c', 'answer');
    assert.equal(watched.passed.length, 30);
    for (; watched.clock.nowMs < hourMs - 1000; watched.clock.nowMs += 1000) watched.take('c', 'answer');
    assert.equal(watched.within('c', hourMs), 1000);
    assert.equal(watched.take('c', 'answer'), hourMs - watched.clock.nowMs);
  });

  test('drafts always leave five a minute and fifty an hour for answers', () => {
    const hurried = fc.array(
      stretch.map((each) => ({ ...each, drafts: 9 })),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(hurried, (stretches) => {
        const watched = createWatched();
        play(watched, stretches, (kind, waitMs) => {
          if (kind !== 'draft' || waitMs > 0) return;
          assert.ok(watched.within('c', minuteMs) <= 25);
          assert.ok(watched.within('c', hourMs) <= 950);
        });
      }),
      chances,
    );
    const watched = createWatched();
    for (; watched.clock.nowMs < hourMs - 100; watched.clock.nowMs += 100) {
      if (watched.clock.nowMs % 5000 === 0 && watched.within('c', hourMs) < 600) watched.take('c', 'answer');
      watched.take('c', 'draft');
    }
    assert.equal(watched.within('c', hourMs), 950);
    for (let index = 0; index < 5; index++) assert.equal(watched.take('c', 'answer'), 0);
  });

  test('what opens bubbles leaves as much for answers, and has to wait for no draft before it', () => {
    const { quota } = createWatched();
    assert.equal(quota.take('c', 'draft'), 0);
    for (let index = 0; index < 24; index++) assert.equal(quota.take('c', 'opening'), 0);
    assert.equal(quota.take('c', 'opening'), minuteMs);
    for (let index = 0; index < 5; index++) assert.equal(quota.take('c', 'answer'), 0);
  });

  test('an answer waits exactly until there is room', () => {
    fc.assert(
      fc.property(history, (stretches) => {
        const watched = createWatched();
        play(watched, stretches, () => {});
        const { clock, quota } = watched;
        for (let index = 0; index < 30; index++) {
          const waitMs = quota.take('c', 'answer');
          if (waitMs === 0) continue;
          clock.nowMs += waitMs - 1;
          assert.equal(quota.take('c', 'answer'), 1);
          clock.nowMs += 1;
          assert.equal(quota.take('c', 'answer'), 0);
        }
      }),
      chances,
    );
  });

  test('a draft that is told to wait passes after that, where nothing else was sent', () => {
    fc.assert(
      fc.property(history, (stretches) => {
        const watched = createWatched();
        play(watched, stretches, () => {});
        const { clock, quota } = watched;
        for (let tries = 0; ; tries++) {
          const waitMs = quota.take('c', 'draft');
          if (waitMs === 0) return;
          assert.ok(tries < 3, `still ${waitMs} ms after ${tries} waits`);
          clock.nowMs += waitMs;
        }
      }),
      chances,
    );
  });

  /** How many drafts pass in a minute when one is tried each half second. */
  const draftsInAMinute = ({ clock, take }: Watched, chat: string) => {
    let passed = 0;
    for (const endMs = clock.nowMs + minuteMs; clock.nowMs < endMs; clock.nowMs += 500)
      if (take(chat, 'draft') === 0) passed++;
    return passed;
  };

  test('after a refusal for the limit drafts are rarer, the more refusals the more, and recover', () => {
    const counts = [0, 1, 2, 4].map((refusals) => {
      const watched = createWatched();
      for (let index = 0; index < refusals; index++) watched.quota.refused('c');
      return draftsInAMinute(watched, 'c');
    });
    for (const [index, count] of counts.entries()) if (index > 0) assert.ok(count < counts[index - 1]!, `${counts}`);
    assert.ok(counts.at(-1)! >= 1, 'never none at all');
    const watched = createWatched();
    for (let index = 0; index < 1000; index++) watched.quota.refused('c');
    assert.ok(draftsInAMinute(watched, 'c') >= 1, 'however often it was refused');
    watched.clock.nowMs += 6 * minuteMs;
    assert.equal(draftsInAMinute(watched, 'c'), counts[0]);
  });

  test('a refusal keeps no answer back', () => {
    const { quota } = createWatched();
    for (let index = 0; index < 30; index++) {
      quota.refused('c');
      assert.equal(quota.take('c', 'answer'), 0);
    }
  });

  test('has nothing to do with that of another chat', () => {
    fc.assert(
      fc.property(history, history, (mine, others) => {
        const alone = createWatched();
        const waits: number[] = [];
        play(alone, mine, (_, waitMs) => waits.push(waitMs));
        const beside = createWatched();
        const noise = others.flatMap(({ asked, drafts }) => Array.from({ length: asked }, (_, i) => i % 10 < drafts));
        let heard = 0;
        play(beside, mine, (_, waitMs) => {
          assert.equal(waitMs, waits[heard]);
          beside.take('other', noise[heard % noise.length] ? 'draft' : 'answer');
          if (heard++ % 3 === 0) beside.quota.refused('other');
        });
      }),
      { ...chances, numRuns: 30 },
    );
  });

  test('chats that are quiet for an hour are forgotten: what is remembered does not grow', () => {
    const { clock, quota } = createWatched();
    let most = 0;
    for (let index = 0; index < 200_000; index++) {
      clock.nowMs += 1000; // 3,600 chats in an hour
      if (index % 10 === 0) quota.refused(`c${index}`);
      else quota.take(`c${index}`, index % 2 === 0 ? 'draft' : 'answer');
      most = Math.max(most, quota.size());
    }
    assert.ok(most <= 2 * 3600 + 2, `${most} chats`);
  });

  test('a chat that was heard within the hour is not forgotten, however many others there are', () => {
    const { clock, quota } = createWatched();
    for (let index = 0; index < 30; index++) assert.equal(quota.take('c', 'answer'), 0);
    for (let index = 0; index < 3; index++) quota.refused('slowed');
    for (let index = 0; index < 20_000; index++) quota.take(`c${index}`, 'answer');
    assert.equal(quota.take('c', 'answer'), minuteMs);
    assert.equal(quota.take('slowed', 'draft'), 0);
    clock.nowMs += 1000;
    assert.equal(quota.take('slowed', 'draft'), 7000);
  });
});

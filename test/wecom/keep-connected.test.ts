import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { usualTimes } from '../../src/wecom/long-connection/connection.ts';
import {
  type ConnectionState,
  type KeepOptions,
  keepConnected,
  usualWaits,
} from '../../src/wecom/long-connection/keep-connected.ts';
import { startWecomSocketSide, type WecomSocketSide } from '../support/wecom-socket-side.ts';

const LONG = { timeout: 60_000 };
const botId = 'BOT1';
const minuteMs = 60_000;

/** A connection that is kept while time is faked: a wait is over at once, and is remembered. */
describe('a connection that is kept, with the usual waits', () => {
  let side: WecomSocketSide;
  let nowMs: number;
  let waits: { waitMs: number; fromMs: number }[];
  const over: AbortController[] = [];
  beforeEach(async () => {
    side = await startWecomSocketSide();
    side.secrets.set(botId, 's');
    [nowMs, waits] = [0, []];
  });
  afterEach(async () => {
    for (const each of over.splice(0)) each.abort();
    await side.close();
  });

  /** Keeps a bot connected; `onWait` is called at the end of each wait, `onState` with what happens. */
  const keep = (onWait: () => Promise<void>, onState: (state: ConnectionState, stop: () => void) => void) => {
    const closing = new AbortController();
    over.push(closing);
    const options: KeepOptions = {
      ...{ url: side.url, botId, secret: 's', ...usualTimes, ...usualWaits, mayAct: () => true },
      ...{ onCallback: async () => {}, onTrouble: () => {} },
      onState: (state) => onState(state, () => closing.abort()),
      clock: {
        now: () => nowMs,
        async sleep(waitMs) {
          waits.push({ waitMs, fromMs: nowMs });
          nowMs += waitMs;
          await onWait();
          await setImmediate();
        },
      },
    };
    return keepConnected(options, closing.signal);
  };
  const assertBounds = (from: readonly { waitMs: number }[], firstMs = usualWaits.baseWaitMs) => {
    for (const [index, { waitMs }] of from.entries()) {
      const mostMs = Math.min(usualWaits.maxWaitMs, firstMs * 2 ** index);
      assert.ok(waitMs >= mostMs / 2 && waitMs <= mostMs, `wait ${index} of ${waitMs} ms: ${mostMs} at most`);
    }
  };

  test('is tried for all of the twenty minutes that WeCom is away, and is there a minute after', LONG, async () => {
    const awayMs = 20 * minuteMs;
    await side.goAway();
    let isBack = false;
    let attempts = 0;
    let connectedMs = Number.POSITIVE_INFINITY;
    const ending = await keep(
      async () => {
        if (isBack || nowMs < awayMs) return;
        isBack = true;
        await side.comeBack();
      },
      ({ state }, stop) => {
        if (state === 'connecting') attempts++;
        if (state === 'connected') connectedMs = nowMs;
        if (state === 'connected') stop();
      },
    );
    assert.equal(ending.kind, 'closed');
    assert.ok(connectedMs >= awayMs && connectedMs <= awayMs + usualWaits.maxWaitMs, `${connectedMs} ms`);
    assertBounds(waits);
    assert.equal(attempts, waits.length + 1);
    assert.ok(attempts >= awayMs / usualWaits.maxWaitMs, `${attempts} attempts`);
    const longest = waits.filter(({ waitMs }) => waitMs > usualWaits.maxWaitMs / 2);
    assert.ok(new Set(longest.map(({ waitMs }) => waitMs)).size > longest.length / 2, 'they are partly chance');
  });

  test('waits ever longer for one that takes the bot and drops it at once: no loop of hot tries', LONG, async () => {
    await keep(
      async () => {},
      ({ state }, stop) => {
        if (state === 'connected') side.connected(botId)?.socket.terminate();
        if (waits.length === 12) stop();
      },
    );
    assertBounds(waits);
    assert.ok(side.sockets.length >= 12);
  });

  test('that has lived for long begins with short waits again', LONG, async () => {
    const lives = [0, 0, 0, 0, 0, 0, 2 * usualWaits.settledMs, 0];
    await keep(
      async () => {},
      ({ state }, stop) => {
        if (state === 'connected') {
          nowMs += lives.shift() ?? 0;
          side.connected(botId)?.socket.terminate();
        }
        if (waits.length === 8) stop();
      },
    );
    assertBounds(waits.slice(0, 6));
    for (const { waitMs } of waits.slice(6)) assert.ok(waitMs <= 2 * usualWaits.baseWaitMs);
  });

  test('that was taken by another comes back after the cool-down, not before', LONG, async () => {
    let states = 0;
    await keep(
      async () => {},
      ({ state }, stop) => {
        if (state !== 'connected') return;
        if (states++ === 0) {
          const body = { msgtype: 'event', event: { eventtype: 'disconnected_event' } };
          side.connected(botId)!.callBack('aibot_event_callback', 'r', body);
        } else stop();
      },
    );
    assert.equal(waits.length, 1);
    assert.ok(waits[0]!.waitMs >= usualWaits.coolDownMs && waits[0]!.waitMs <= 2 * usualWaits.coolDownMs);
  });
});

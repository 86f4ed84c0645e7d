/** Users who ask a service, and what they see of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WechatSide } from '../../src/sandbox/wechat-side.ts';
import type { ArrivedReply } from '../../src/sandbox/wechat-state.ts';
import { post } from './service.ts';
import { until } from './until.ts';

/** The answers that have arrived at a WeChat side. */
export interface Answers {
  /** By msgid, in the order of arrival. */
  all(): Map<string, ArrivedReply[]>;
  /** The first answer to a message, when it is there. */
  to(msgid: string, timeoutMs: number): Promise<ArrivedReply>;
}

/** Sorts the replies by message, each of them once; those with the text that asks for patience are no answers. */
export function watchAnswers({ state }: WechatSide, waitText: string): Answers {
  const answers = new Map<string, ArrivedReply[]>();
  let upTo = 0;
  const all = () => {
    for (; upTo < state.replies.length; upTo++) {
      const reply = state.replies[upTo]!;
      if (reply.segments[0]?.content === waitText) continue;
      answers.set(reply.msgid, [...(answers.get(reply.msgid) ?? []), reply]);
    }
    return answers;
  };
  return { all, to: (msgid, timeoutMs) => until(`${msgid} is answered`, () => all().get(msgid)?.[0], timeoutMs) };
}

export interface Asked {
  url: string;
  appid: string;
  answers: Answers;
  seconds: number;
}

const question = (appid: string, openid: string, msgid: string) => ({
  ...{ appid, openid, msgid, msg_type: 'text', text: { content: '成人票多少钱？' } },
});

/** Asks as 24 users who each wait for their answer: what the service takes. */
export async function askInTurn({
  url,
  appid,
  answers,
  seconds,
}: Asked): Promise<{ perSecond: number; answerMs: number[] }> {
  const startedMs = performance.now();
  const answerMs: number[] = [];
  const ask = async (user: number) => {
    for (let at = 0; performance.now() - startedMs < seconds * 1000; at++) {
      const askedMs = performance.now();
      const msgid = `warm-${user}-${at}`;
      const { errcode } = await post(url, '/api/wxmp/message/notify', question(appid, `warm-${user}`, msgid));
      if (errcode !== 0) throw new Error(`a closed loop was refused: ${errcode}`);
      await answers.to(msgid, 120_000);
      answerMs.push(performance.now() - askedMs);
    }
  };
  await Promise.all(Array.from({ length: 24 }, (_, user) => ask(user)));
  return { answerMs, perSecond: answerMs.length / ((performance.now() - startedMs) / 1000) };
}

/** How somebody fared who asked a question a second. */
export interface Asking {
  asked: number;
  unacknowledged: number;
  unanswered: number;
  ackMs: number[];
  answerMs: number[];
}

/** A question is to be acknowledged within 20 s, and answered within 60 s. */
export async function askEachSecond({ url, appid, answers, seconds }: Asked, name: string): Promise<Asking> {
  const asking: Asking = { asked: 0, unacknowledged: 0, unanswered: 0, ackMs: [], answerMs: [] };
  const askOne = async (msgid: string) => {
    const startedMs = performance.now();
    const answer = await post(url, '/api/wxmp/message/notify', question(appid, `user-of-${msgid}`, msgid)).catch(
      () => undefined,
    );
    asking.ackMs.push(performance.now() - startedMs);
    if (answer?.errcode !== 0) {
      asking.unacknowledged++;
      return;
    }
    const reply = await answers.to(msgid, 60_000).catch(() => undefined);
    asking.answerMs.push(performance.now() - startedMs);
    if (reply === undefined) asking.unanswered++;
  };
  const calls: Promise<void>[] = [];
  for (; asking.asked < seconds; asking.asked++) {
    calls.push(askOne(`${name}-${asking.asked}`));
    await sleep(1000);
  }
  await Promise.all(calls);
  return asking;
}

function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
}

export const ratio = (a: number[], b: number[]) => (quantile(a, 0.5) / Math.max(1, quantile(b, 0.5))).toFixed(1);

export function describeAsking({ asked, ackMs, answerMs, unacknowledged, unanswered }: Asking): string {
  const times = (values: number[]) =>
    `${quantile(values, 0.5).toFixed(0)} ms, at most ${Math.max(0, ...values).toFixed(0)}`;
  const acked = asked - unacknowledged;
  return `${acked} of ${asked} acknowledged (${times(ackMs)}) and ${acked - unanswered} answered (${times(answerMs)})`;
}

/** Waits until nothing moves any more for a minute; returns how many of the msgids were not answered. */
export async function waitForAnswers(answers: Answers, msgids: string[]): Promise<number> {
  const countMissing = () => msgids.filter((msgid) => !answers.all().has(msgid)).length;
  let movedMs = performance.now();
  for (let missing = countMissing(); ; ) {
    if (missing === 0 || performance.now() - movedMs > 60_000) return missing;
    await sleep(250);
    const left = countMissing();
    if (left < missing) movedMs = performance.now();
    missing = left;
  }
}

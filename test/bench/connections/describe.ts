import { type ConnectionResult, type Cost, perBot } from './connections.ts';

const mb = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
const seconds = (ms: number) => (ms / 1000).toFixed(2);

/** A result, for people and for docs/scaling.md. */
export function describeResult({
  settings,
  bootMs,
  mostASecond,
  seen,
  again,
  service,
  cpu,
  sdk,
  broken,
}: ConnectionResult): string {
  const { bots, perSecond, dialect } = settings;
  const times = seen.answeredMs.toSorted((a, b) => a - b);
  const at = (share: number) => seconds(times[Math.floor((times.length - 1) * share)] ?? 0);
  const memory = ({ none, all }: Pick<Cost, 'none' | 'all'>) =>
    `in use ${mb(none.heapBytes)} to ${mb(all.heapBytes)} MB, resident ${mb(none.rssBytes)} to ${mb(all.rssBytes)} MB`;
  const ratio = (of: 'heapBytes' | 'rssBytes') =>
    ((service.all[of] - service.none[of]) / (sdk.all[of] - sdk.none[of])).toFixed(2);
  return [
    `${bots} bots, ${dialect}, ${perSecond} questions a second for ${settings.seconds} s`,
    `connected: in ${seconds(bootMs)} s, at most ${mostASecond} in one second`,
    `all cut at once: back in ${seconds(again.bootMs)} s, at most ${again.mostASecond} in one second`,
    `answered: ${seen.answeredMs.length} of ${seen.said}; median ${at(0.5)} s, p95 ${at(0.95)} s, longest ${at(1)} s`,
    `heartbeats: at least ${seen.fewestPings} each, longest time without one ${seconds(seen.longestPauseMs)} s`,
    `connections: ${seen.sockets} for ${bots} bots; faults ${seen.faults.length}`,
    `service: ${perBot(service, bots)} (${memory(service)})`,
    `SDK: ${perBot(sdk, bots)} (${memory(sdk)})`,
    `service by SDK, a bot: in use ${ratio('heapBytes')}, resident ${ratio('rssBytes')}`,
    `CPU of the service, ms a second: no bot ${cpu.none.toFixed(0)}, idle ${cpu.idle.toFixed(0)}, asked ${cpu.busy.toFixed(0)}`,
    broken.length === 0 ? 'all was kept' : `NOT KEPT: ${broken.join('; ')}`,
  ].join('\n');
}

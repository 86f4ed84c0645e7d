/** The way a message came in; msgids are unique within it, and conversations of two channels never mix. */
export type Channel = 'live' | 'debug';

export function channelOf(isDebug: number): Channel {
  return isDebug === 1 ? 'debug' : 'live';
}

/** Which of an assistant's configurations answers. */
export function viewOfChannel(channel: Channel): 'online' | 'draft' {
  return channel === 'debug' ? 'draft' : 'online';
}

/** Who talks to the assistant: the key of a conversation within the account. */
export function scopeKey(incarnation: number, channel: Channel, openid: string): string {
  return `wxmp:${incarnation}:${channel}:${openid}`;
}

/** Whether a scope is one of before the account's assistant was created for the last time. */
export function isEarlier(scopeKey: string, incarnation: number): boolean {
  const [, own] = /^wxmp:(\d+):/.exec(scopeKey) ?? []; // another form: of an erasure that is under way
  return own !== undefined && Number(own) < incarnation;
}

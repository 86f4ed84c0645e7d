/** The way a message came in; msgids are unique within it, and conversations of two channels never mix. */
export type Channel = WxmpChannel | WecomChannel;

/** Of an Official Account's users: what they ask, or what its owner tries out. */
export type WxmpChannel = 'live' | 'debug';

/** By a WeCom bot. */
export type WecomChannel = `wecom:${string}`;

export function channelOf(isDebug: number): WxmpChannel {
  return isDebug === 1 ? 'debug' : 'live';
}

/** The channel of a WeCom bot, by the id of its integration. */
export function wecomChannel(integrationId: string): WecomChannel {
  return `wecom:${integrationId}`;
}

/** The integration of a WeCom bot's channel; undefined: it is another channel. */
export function integrationOf(channel: Channel): string | undefined {
  return channel.startsWith('wecom:') ? channel.slice('wecom:'.length) : undefined;
}

/** Which of an assistant's configurations answers. */
export function viewOfChannel(channel: Channel): 'online' | 'draft' {
  return channel === 'debug' ? 'draft' : 'online';
}

/** Who talks to the assistant: the key of a conversation within the account. */
export function scopeKey(incarnation: number, channel: WxmpChannel, openid: string): string {
  return `wxmp:${incarnation}:${channel}:${openid}`;
}

/** Whether a scope is one of before the account's assistant was created for the last time. */
export function isEarlier(scopeKey: string, incarnation: number): boolean {
  const [, own] = /^(?:wxmp|wecom):(\d+):/.exec(scopeKey) ?? []; // another form: of an erasure that is under way
  return own !== undefined && Number(own) < incarnation;
}

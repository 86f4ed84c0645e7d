import type { Config } from '../../config.ts';
import { parseAddress } from '../../egress/address.ts';
import { allowsAddress, allowsHost } from '../../egress/allow.ts';
import { CallError } from '../../errors.ts';

/** Encrypted or not, what is fetched comes by https, but from a host that EGRESS_ALLOW names. Throws a CallError. */
export function checkLink(text: string, rules: Config['EGRESS_ALLOW']): void {
  const url = URL.parse(text);
  if (url === null || url.protocol === 'https:') return; // the downloader judges the rest
  const port = Number(url.port || 80);
  const address = parseAddress(url.hostname.replace(/^\[(.*)\]$/, '$1'));
  const isNamed =
    allowsHost(rules, url.hostname, port) || (address !== undefined && allowsAddress(rules, address, port));
  if (!isNamed)
    throw new CallError('its link is no https, and EGRESS_ALLOW does not name its host', { verdict: 'permanent' });
}

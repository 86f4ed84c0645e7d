import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** An IP address. One that is IPv4-mapped is held as the IPv4 address that it stands for, since that is dialled. */
export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Reads an address in dotted decimal or as IPv6, without brackets or zone; undefined when it is none. */
export function parseAddress(text: string): Address | undefined {
  if (isIP(text) === 4) return ipaddr.IPv4.parse(text);
  // URL has one strict reading of each spelling, and none of zones; ipaddr.js takes ::10.0.0.1 for ::ffff:10.0.0.1.
  const url = URL.parse(`http://[${text}]`);
  if (isIP(text) !== 6 || url === null) return undefined;
  const address = ipaddr.IPv6.parse(url.hostname.slice(1, -1));
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/** What makes an address unfit for the open internet, as words after "is"; undefined for a public address. */
export function findSpecialUse(address: Address): string | undefined {
  if (address instanceof ipaddr.IPv6) return findSpecialUseV6(address);
  if (address.match(azureHost)) return 'the address of the host below a cloud machine';
  const range = address.range();
  return range === 'unicast' ? undefined : (names[range] ?? 'a reserved address');
}

/**
 * IPv6 is judged the other way round: public is only what IANA gives out, less what it keeps for special uses. So 6to4,
 * Teredo, IPv4-compatible and translated addresses are refused whatever they wrap: nobody serves a file from one.
 * NAT64's well-known prefix alone is judged by what it wraps: where only IPv6 is spoken, DNS64 makes it for every public
 * IPv4 host. A translator under a network's own prefix cannot be told from any other host there.
 */
function findSpecialUseV6(address: ipaddr.IPv6): string | undefined {
  if (address.match(nat64)) {
    const wrapped = new ipaddr.IPv4(address.toByteArray().slice(-4));
    const use = findSpecialUse(wrapped);
    return use && `NAT64 for ${wrapped}, ${use}`;
  }
  const range = address.range();
  if (range === 'unicast' && address.match(globalUnicast)) return undefined;
  return names[range] ?? 'a reserved address';
}

const azureHost = ipaddr.IPv4.parseCIDR('168.63.129.16/32');
const nat64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

const names: Partial<Record<string, string>> = {
  private: 'a private address',
  uniqueLocal: 'a unique-local address',
  loopback: 'a loopback address',
  linkLocal: 'a link-local address',
  deprecatedSiteLocal: 'a site-local address',
  unspecified: 'an unspecified address',
  carrierGradeNat: 'a carrier-grade NAT address',
  multicast: 'a multicast address',
  broadcast: 'the broadcast address',
  '6to4': 'a 6to4 address',
  teredo: 'a Teredo address',
  rfc6052: 'a local NAT64 address',
};

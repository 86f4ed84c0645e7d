import { lookup } from 'node:dns/promises';
import { type Address, findSpecialUse, parseAddress } from './address.ts';
import { allowsAddress, allowsHost, type EgressRule } from './allow.ts';
import { codeOf, mishap, refusal } from './errors.ts';

/** Where a request goes: the address as it was given, and the IP addresses that may be dialled for it, in order. */
export interface Target {
  url: URL;
  port: number;
  addresses: readonly string[];
}

/** All addresses of a host name, best first; rejects when there are none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

/** Asks the operating system, as everything else on this machine does. */
export const resolveBySystem: Resolve = async (hostname) => {
  const found = await lookup(hostname, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
};

const maxUrlChars = 8192;
const maxHostChars = 253;
/** How many addresses of one name are considered. */
const maxAddresses = 64;

/** Reads an address that came from outside, or the Location of a redirect from `base`. Throws a permanent CallError. */
export function readUrl(text: string, base?: URL): URL {
  const what = base ? `the redirect from ${base.host}` : 'the address';
  if (text.length > maxUrlChars) throw refusal(`${what} is longer than ${maxUrlChars} characters`);
  const url = URL.parse(text, base?.href);
  if (url === null) throw refusal(`${what} is no valid URL`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refusal(`${what} is neither http nor https`);
  if (url.username !== '' || url.password !== '') throw refusal(`${what} carries a user name or password`);
  if (url.hostname.length > maxHostChars) throw refusal(`${what} has a host name beyond ${maxHostChars} characters`);
  if (url.port === '0') throw refusal(`${what} has port 0`);
  if (base?.protocol === 'https:' && url.protocol === 'http:') throw refusal(`${what} leads from https to http`);
  return url;
}

/**
 * Resolves the URL's host, once, and keeps the addresses that may be dialled. Throws a CallError when there are none.
 *
 * One forbidden address among public ones does not refuse them all: only what stands in the result is ever dialled, so
 * refusing would add no safety, and would lose hosts with a public IPv4 and a private IPv6 address.
 */
export async function findTarget(url: URL, rules: readonly EgressRule[], resolve: Resolve): Promise<Target> {
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const isName = parseAddress(host) === undefined;
  const found = isName ? await resolveName(host, resolve) : [host];
  const isNamed = allowsHost(rules, host, port);
  const judged = found.slice(0, maxAddresses).map((text) => judge(text, rules, port, isNamed));
  const addresses = judged.flatMap(({ dialled }) => dialled ?? []);
  if (addresses.length > 0) return { url, port, addresses: [...new Set(addresses)] };
  const { text, use } = judged[0]!;
  throw refusal(`${isName ? `${host} resolves to ${text}, which` : text} is ${use} and EGRESS_ALLOW does not name it`);
}

async function resolveName(host: string, resolve: Resolve): Promise<readonly string[]> {
  // No resolver is asked about these names (RFC 6761), for it may be somebody else's.
  if (/(?:^|\.)localhost\.?$/.test(host)) return ['127.0.0.1', '::1'];
  const found = await resolve(host).catch((error: unknown) => {
    throw mishap(`${host} does not resolve: ${codeOf(error)}`);
  });
  if (found.length === 0) throw mishap(`${host} resolves to no address`);
  return found;
}

/** What is shown of an address, and either how to dial it or what it is. */
function judge(text: string, rules: readonly EgressRule[], port: number, isNamed: boolean) {
  const address: Address | undefined = parseAddress(text);
  if (!address) return { text: text.slice(0, 60), use: 'no plain IP address' }; // or one with a zone
  const use = findSpecialUse(address);
  const shown = address.toString();
  return use === undefined || isNamed || allowsAddress(rules, address, port)
    ? { text: shown, dialled: shown }
    : { text: shown, use };
}

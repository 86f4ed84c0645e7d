import type ipaddr from 'ipaddr.js';
import { type Address, parseAddress } from './address.ts';

/** An entry of EGRESS_ALLOW: whom the downloader may reach although the address is not public. */
export type EgressRule = {
  /** Undefined: every port. */
  port: number | undefined;
} & ({ kind: 'host'; host: string } | { kind: 'range'; range: [ipaddr.IPv4, number] | [ipaddr.IPv6, number] });

const expected =
  'expected a host, an address or a CIDR, each with or without a port, ' +
  'e.g. files.example.com, 10.1.0.0/16:9000, fd00::/8 or [fd00::1]:443';

/** Reads EGRESS_ALLOW: entries divided by commas; none in an empty text. Throws an Error that counts off the bad entry. */
export function parseEgressAllow(text: string): EgressRule[] {
  if (text.trim() === '') return [];
  return text.split(',').map((entry, index) => {
    const parsed = parseRule(entry.trim());
    if (typeof parsed === 'string') throw new Error(`${parsed} (entry ${index + 1})`);
    return parsed;
  });
}

/** Whether a rule names the host, whatever its name resolves to. `hostname` is a URL's; a dot at its end is ignored. */
export function allowsHost(rules: readonly EgressRule[], hostname: string, port: number): boolean {
  const host = dropDot(hostname);
  return rules.some((rule) => rule.kind === 'host' && rule.host === host && isPort(rule, port));
}

/** Whether a rule names the address that is about to be dialled. */
export function allowsAddress(rules: readonly EgressRule[], address: Address, port: number): boolean {
  return rules.some((rule) => {
    if (rule.kind !== 'range' || !isPort(rule, port)) return false;
    const [base, bits] = rule.range;
    return base.kind() === address.kind() && address.match(base as ipaddr.IPv4 & ipaddr.IPv6, bits);
  });
}

const isPort = (rule: EgressRule, port: number): boolean => rule.port === undefined || rule.port === port;

const dropDot = (host: string): string => (host.endsWith('.') ? host.slice(0, -1) : host);

/** The rule, or what is wrong with the entry. */
function parseRule(entry: string): EgressRule | string {
  const [rest, port] = splitPort(entry);
  if (Number.isNaN(port)) return 'expected a port from 1 to 65535 after the colon';
  const [base = '', bits] = rest.split('/', 2);
  const address = parseAddress(base);
  if (address) return parseRange(rest, address, bits, port);
  const host = parseHost(rest);
  if (host !== undefined && parseAddress(host)) return 'expected the address with four decimal numbers';
  return host === undefined ? expected : { kind: 'host', host, port };
}

/** Takes off brackets and the port, which is NaN when there is a bad one. */
function splitPort(entry: string): [string, number | undefined] {
  const bracketed = /^\[([^[\]]*)\](?::(.*))?$/.exec(entry);
  const plain = /^([^:]*):([^:/]*)$/.exec(entry); // more colons than one are an IPv6 address without a port
  const [, rest = entry, port] = bracketed ?? plain ?? [];
  if (port === undefined) return [rest, undefined];
  return [rest, /^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65535 ? Number(port) : Number.NaN];
}

function parseRange(text: string, address: Address, bits: string | undefined, port: number | undefined) {
  const isV6 = text.includes(':');
  const width = isV6 ? 128 : 32;
  const shown = bits === undefined ? width : Number(bits);
  const isWhole = text.split('/').length <= 2 && (bits === undefined || /^\d{1,3}$/.test(bits));
  if (!isWhole || shown > width) return `expected a number from 0 to ${width} after the slash`;
  // ::ffff:10.0.0.0/104 stands for 10.0.0.0/8; shorter prefixes would name IPv6 as well, which is never dialled so.
  const prefix = isV6 && address.kind() === 'ipv4' ? shown - 96 : shown;
  if (prefix < 0) return 'expected at least 96 after the slash of an IPv4-mapped address';
  if (hasBitsAfter(address.toByteArray(), prefix))
    return `expected an address whose bits after the first ${shown} are 0`;
  return { kind: 'range', range: [address, prefix] as [ipaddr.IPv4, number], port } as const;
}

/** A slip such as 10.0.0.5/8 would open more than was meant. */
function hasBitsAfter(bytes: readonly number[], prefix: number): boolean {
  return bytes.some((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefix - 8 * index));
    return (byte & (0xff >> kept)) !== 0;
  });
}

/** A host name as URL writes it, so that both are compared in one spelling: lower case, punycode. */
function parseHost(text: string): string | undefined {
  if (/[\s/\\@?#%:[\]]/.test(text)) return undefined;
  const host = dropDot(URL.parse(`http://${text}`)?.hostname ?? '');
  return /^[\w-]+(?:\.[\w-]+)*$/.test(host) && host.length <= 253 ? host : undefined;
}

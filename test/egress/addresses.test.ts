import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { findSpecialUse, parseAddress } from '../../src/egress/address.ts';
import { parseEgressAllow } from '../../src/egress/allow.ts';
import { createDownloader } from '../../src/egress/download.ts';
import type { CallError } from '../../src/errors.ts';
import { isForbidden, readIp, unmapped } from './oracle.ts';
import { failureOf } from './serve.ts';
import { anyIp, anySpelling } from './spellings.ts';

/** A downloader that reaches nobody, and what it would have dialled. */
function makeDeadDownloader(answer: readonly string[] = [], allow = '') {
  const dialled: string[] = [];
  const downloader = createDownloader({
    allow: parseEgressAllow(allow),
    maxBytes: 1000,
    timeoutMs: 10_000,
    minBytesPerSecond: 0,
    resolve: async () => answer,
    dial: (address) => {
      dialled.push(address);
      return new Socket().destroy(new Error('nobody is dialled in this test'));
    },
  });
  return { downloader, dialled };
}

function checkOutcome(failure: CallError, dialled: readonly string[], ip: Parameters<typeof isForbidden>[0]): void {
  if (isForbidden(ip)) {
    assert.deepEqual(dialled, [], 'nothing is dialled');
    assert.equal(failure.verdict, 'permanent');
    assert.match(failure.message, / is .* and EGRESS_ALLOW does not name it$/);
  } else {
    assert.deepEqual(dialled.map(readIp), [unmapped(ip)], `it is dialled as it is: ${failure.message}`);
    assert.equal(failure.verdict, 'transient');
  }
}

test('an address in a URL is dialled if and only if the registries call it public, in whichever spelling', async () => {
  await fc.assert(
    fc.asyncProperty(anySpelling, fc.constantFrom('http', 'https'), async ({ ip, host }, scheme) => {
      const { downloader, dialled } = makeDeadDownloader();
      checkOutcome(await failureOf(downloader, `${scheme}://${host}/file?sign=secret`), dialled, ip);
    }),
    { numRuns: 3000 },
  );
});

test('an address that a name resolves to is dialled if and only if the registries call it public', async () => {
  await fc.assert(
    fc.asyncProperty(anyIp, async (ip) => {
      const text = ip.isV6
        ? ip.value.toString(16).padStart(32, '0').match(/.{4}/g)!.join(':')
        : [24n, 16n, 8n, 0n].map((shift) => (ip.value >> shift) & 255n).join('.');
      const { downloader, dialled } = makeDeadDownloader([text]);
      checkOutcome(await failureOf(downloader, 'http://files.example.test/file'), dialled, ip);
    }),
    { numRuns: 1000 },
  );
});

test('of the addresses of a name the public ones alone are dialled, in their order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyIp, { minLength: 1, maxLength: 4 }), async (ips) => {
      const texts = ips.map(({ isV6, value }) =>
        isV6
          ? value.toString(16).padStart(32, '0').match(/.{4}/g)!.join(':')
          : `::ffff:${[value >> 16n, value & 0xffffn].map((part) => part.toString(16)).join(':')}`,
      );
      const { downloader, dialled } = makeDeadDownloader(texts);
      await failureOf(downloader, 'http://files.example.test/file');
      const open = ips.filter((ip) => !isForbidden(ip)).map(unmapped);
      const key = ({ isV6, value }: (typeof open)[number]) => `${isV6} ${value}`;
      assert.deepEqual(dialled.map(readIp).map(key), [...new Set(open.map(key))]);
    }),
    { numRuns: 500 },
  );
});

test('an address that a name resolves to twice, or in two spellings, is dialled once', async () => {
  const { downloader, dialled } = makeDeadDownloader(['8.8.8.8', '8.8.8.8', '::ffff:8.8.8.8', '::FFFF:808:808']);
  await failureOf(downloader, 'http://files.example.test/');
  assert.deepEqual(dialled, ['8.8.8.8']);
});

for (const [address, use] of [
  ['10.1.2.3', 'a private address'],
  ['127.0.0.1', 'a loopback address'],
  ['0.0.0.0', 'an unspecified address'],
  ['100.100.100.200', 'a carrier-grade NAT address'],
  ['169.254.169.254', 'a link-local address'],
  ['198.18.0.1', 'a reserved address'],
  ['224.0.0.1', 'a multicast address'],
  ['255.255.255.255', 'the broadcast address'],
  ['168.63.129.16', 'the address of the host below a cloud machine'],
  ['::ffff:192.168.0.1', 'a private address'],
  ['::ffff:7f00:1', 'a loopback address'],
  ['::127.0.0.1', 'a reserved address'],
  ['::1', 'a loopback address'],
  ['::', 'an unspecified address'],
  ['fd00::1', 'a unique-local address'],
  ['fe80::1', 'a link-local address'],
  ['ff02::1', 'a multicast address'],
  ['2002:a00:1::', 'a 6to4 address'],
  ['2001:0:1:2::', 'a Teredo address'],
  ['64:ff9b::a01:203', 'NAT64 for 10.1.2.3, a private address'],
  ['64:ff9b:1::808:808', 'a local NAT64 address'],
  ['4000::1', 'a reserved address'],
  ['8.8.8.8', undefined],
  ['64:ff9b::808:808', undefined],
  ['2400:3200::1', undefined],
] as const) {
  test(`${address} is ${use ?? 'public'}`, () => {
    assert.equal(findSpecialUse(parseAddress(address)!), use);
  });
}

test('what is no plain address is none: a zone, brackets, octal numbers, ports, spaces', () => {
  for (const text of ['fe80::1%eth0', '[::1]', '010.0.0.1', '::ffff:010.0.0.1', '1.2.3', '1', '::1]:80', ' ::1', '']) {
    assert.equal(parseAddress(text), undefined, text);
  }
});

test('a name that resolves to an address with a zone is refused', async () => {
  const { downloader, dialled } = makeDeadDownloader(['fe80::1%eth0'], 'fe80::/10');
  const { message, verdict } = await failureOf(downloader, 'http://files.example.test/');
  assert.match(message, /^files\.example\.test resolves to fe80::1%eth0, which is no plain IP address/);
  assert.equal(verdict, 'permanent');
  assert.deepEqual(dialled, []);
});

for (const host of ['localhost', 'LOCALHOST.', 'a.localhost', 'files.example.localhost.']) {
  test(`${host} is this machine, whatever a resolver says`, async () => {
    const { downloader, dialled } = makeDeadDownloader(['8.8.8.8']);
    const { message } = await failureOf(downloader, `http://${host}/`);
    assert.match(message, /resolves to 127\.0\.0\.1, which is a loopback address and EGRESS_ALLOW does not name it/);
    assert.deepEqual(dialled, []);
  });
}

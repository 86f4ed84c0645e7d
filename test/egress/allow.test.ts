import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAddress } from '../../src/egress/address.ts';
import { allowsAddress, allowsHost, parseEgressAllow } from '../../src/egress/allow.ts';

const reaches = (rules: string, address: string, port = 80): boolean =>
  allowsAddress(parseEgressAllow(rules), parseAddress(address)!, port);

const names = (rules: string, host: string, port = 80): boolean => allowsHost(parseEgressAllow(rules), host, port);

describe('EGRESS_ALLOW: what a rule names', () => {
  for (const [rules, address, port, expected] of [
    ['10.0.0.0/8', '10.255.255.255', 80, true],
    ['10.0.0.0/8', '11.0.0.0', 80, false],
    ['10.1.2.3', '10.1.2.3', 80, true],
    ['10.1.2.3', '10.1.2.2', 80, false],
    ['10.1.2.3:9000', '10.1.2.3', 9000, true],
    ['10.1.2.3:9000', '10.1.2.3', 80, false],
    ['10.1.0.0/16:9000', '10.1.2.3', 9000, true],
    ['10.1.0.0/16:9000', '10.1.2.3', 9001, false],
    [' fd00::/8 , 10.1.2.3', 'fd12::1', 80, true],
    ['fd00::/8', 'fe80::1', 80, false],
    ['[fd00::/8]:443', 'fd12::1', 443, true],
    ['[fd00::/8]:443', 'fd12::1', 80, false],
    ['[::1]:8443', '::1', 8443, true],
    ['[::1]', '::1', 1, true],
    ['::1', '::2', 80, false],
    ['0.0.0.0/0', '127.0.0.1', 80, true],
    ['0.0.0.0/0', '::1', 80, false],
    ['::/0', '::1', 80, true],
    ['::/0', '::ffff:127.0.0.1', 80, false],
    ['127.0.0.0/8', '::ffff:127.0.0.1', 80, true],
    ['::ffff:10.0.0.0/104', '10.9.9.9', 80, true],
    ['::ffff:10.0.0.0/104', '11.9.9.9', 80, false],
    ['10.0.0.0/8', '64:ff9b::a01:203', 80, false],
    ['64:ff9b::/96', '64:ff9b::a01:203', 80, true],
    ['files.example.com', '10.1.2.3', 80, false],
  ] as const) {
    test(`${rules} ${expected ? 'reaches' : 'does not reach'} ${address} at port ${port}`, () => {
      assert.equal(reaches(rules, address, port), expected);
    });
  }

  for (const [rules, host, port, expected] of [
    ['files.example.com', 'files.example.com', 80, true],
    ['Files.Example.COM.', 'files.example.com', 80, true],
    ['files.example.com', 'files.example.com.', 80, true],
    ['example.com', 'files.example.com', 80, false],
    ['files.example.com', 'files.example.com.evil.test', 80, false],
    ['files.example.com:9000', 'files.example.com', 9000, true],
    ['files.example.com:9000', 'files.example.com', 9001, false],
    ['10.0.0.0/8, minio', 'minio', 9000, true],
    ['存储.example', 'xn--k0q63x.example', 80, true],
    ['object_store', 'object_store', 80, true],
    ['127.0.0.1', 'localhost', 80, false],
  ] as const) {
    test(`${rules} ${expected ? 'names' : 'does not name'} the host ${host} at port ${port}`, () => {
      assert.equal(names(rules, host, port), expected);
    });
  }
});

test('an empty EGRESS_ALLOW has no rules', () => {
  assert.deepEqual(parseEgressAllow(' '), []);
});

for (const [entry, expected] of [
  ['', /expected a host, an address or a CIDR/],
  ['http://files.example.com', /expected a host/],
  ['files.example.com/path', /expected a host/],
  ['user@files.example.com', /expected a host/],
  ['*.example.com', /expected a host/],
  ['a b', /expected a host/],
  ['a..b', /expected a host/],
  ['%61.example', /expected a host/],
  ['[::1', /expected a host/],
  ['[::1]80', /expected a host/],
  ['fe80::1%eth0', /expected a host/],
  ['10.1.2', /four decimal numbers/],
  ['0x0a.1.2.3', /four decimal numbers/],
  ['167838211', /four decimal numbers/],
  ['256.1.2.3', /expected a host/],
  ['10.0.0.0/33', /from 0 to 32/],
  ['10.0.0.0/', /from 0 to 32/],
  ['10.0.0.0/8/8', /from 0 to 32/],
  ['10.0.0.0/-1', /from 0 to 32/],
  ['10.0.0.0/255.0.0.0', /from 0 to 32/],
  ['fd00::/129', /from 0 to 128/],
  ['10.0.0.5/8', /bits after the first 8 are 0/],
  ['fd00::1/64', /bits after the first 64 are 0/],
  ['::ffff:0:0/90', /at least 96/],
  ['10.1.2.3:0', /port from 1 to 65535/],
  ['10.1.2.3:65536', /port from 1 to 65535/],
  ['files.example.com:', /port from 1 to 65535/],
  ['files.example.com:http', /port from 1 to 65535/],
  ['[::1]:', /port from 1 to 65535/],
] as const) {
  test(`the entry '${entry}' is refused by its number, with what was expected`, () => {
    const text = `10.0.0.0/8,${entry}`;
    assert.throws(() => parseEgressAllow(text), expected);
    assert.throws(() => parseEgressAllow(text), /^Error: expected .* \(entry 2\)$/);
  });
}

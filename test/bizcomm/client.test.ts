import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createBizcommClient } from '../../src/bizcomm/client.ts';
import { describeError } from '../../src/errors.ts';

const signal = new AbortController().signal;
const page = JSON.stringify({ errcode: 0, next_offset: 0, item_count: 0, item: [] });

describe('the client of the WeChat side', () => {
  const open: Server[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'wxmp-tls-'));
  before(() => makeCertificates(folder));
  after(() => {
    for (const server of open) server.close();
    rmSync(folder, { recursive: true });
  });

  const listen = async (server: Server) => {
    open.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const http = async (answer: RequestListener) => `http://127.0.0.1:${await listen(createHttpServer(answer))}`;
  const client = (urls: string[], more = {}) =>
    createBizcommClient({ urls, appname: 'wxmp assistant', timeoutMs: 1000, ...more });
  const pull = (bizcomm: ReturnType<typeof client>) => bizcomm.getBizPublishList({ appid: 'wx' }, signal);

  test('https at an IP is trusted by its CA and the name that it is given, and by nothing less', async () => {
    const tls = { key: readFileSync(join(folder, 'server.key')), cert: readFileSync(join(folder, 'server.pem')) };
    const port = await listen(createServer(tls, (_, response) => response.end(page)));
    const ca = readFileSync(join(folder, 'ca.pem'));
    const url = `https://127.0.0.1:${port}`;
    const right = client([url], { ca, servername: 'bizcomm.example' });
    assert.equal((await pull(right)).nextOffset, 0);
    for (const wrong of [{}, { ca }, { ca, servername: 'other.example' }, { servername: 'bizcomm.example' }]) {
      await assert.rejects(pull(client([url], wrong)), /GetBizPublishList/, JSON.stringify(Object.keys(wrong)));
    }
    await right.close();
  });

  test('several addresses take turns, so that the repeat of a failed call goes elsewhere', async () => {
    const seen: string[] = [];
    const one = await http((request, response) => {
      seen.push(`one ${request.url}`);
      response.writeHead(503).end();
    });
    const two = await http((request, response) => {
      seen.push(`two ${request.url}`);
      response.end(page);
    });
    const bizcomm = client([one, two]);
    await assert.rejects(pull(bizcomm), /HTTP 503/);
    await pull(bizcomm);
    const path = '/innerapi/bizcomm/getbizpublishlist?appname=wxmp%20assistant';
    assert.deepEqual(seen, [`one ${path}`, `two ${path}`]);
  });

  test('an errcode, what is not JSON and a hang are failures that say what went wrong', async () => {
    const answers = ['{"errcode":45009,"errmsg":"too often"}', '<html>', '[1]', undefined];
    const url = await http((_, response) => {
      const answer = answers.shift();
      if (answer !== undefined) response.end(answer);
    });
    const bizcomm = client([url]);
    await assert.rejects(pull(bizcomm), /errcode 45009 too often/);
    await assert.rejects(pull(bizcomm), /not JSON/);
    await assert.rejects(pull(bizcomm), /no object/);
    await assert.rejects(pull(bizcomm), (error) => /timeout|aborted/i.test(describeError(error)));
  });
});

function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const request = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(...request, '-x509', '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test ca', '-days', '2');
  openssl(...request, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=bizcomm.example');
  execFileSync('sh', ['-c', 'printf "subjectAltName=DNS:bizcomm.example" > san'], { cwd: folder });
  const sign = ['x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
  openssl(...sign, '-out', 'server.pem', '-days', '2', '-extfile', 'san');
}

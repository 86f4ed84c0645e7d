import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { makeCertificate } from '../egress/make-certificate.ts';
import { answering, final, startFakeRemoteExpert } from '../support/fake-remote-expert.ts';
import { assertFellBack, makeRemote } from './remote-setup.ts';

const trusted = makeCertificate(['localhost']);
const untrusted = makeCertificate(['localhost', '127.0.0.1']);
setDefaultCACertificates([...getCACertificates(), trusted.cert]);

const ok = answering(final({ text: '十点。' }));

test('an engine is reached over TLS with a certificate that Node trusts', async (t) => {
  const engine = await startFakeRemoteExpert(ok, { tls: trusted });
  t.after(engine.close);
  const { answer } = await makeRemote(t).ask(`https://localhost:${engine.port}`);
  assert.deepEqual([answer.text, answer.trace.fellBack], ['十点。', undefined]);
});

for (const [what, certificate, host, reason] of [
  ['for another name', trusted, '127.0.0.1', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['that nobody vouches for', untrusted, 'localhost', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
] as const) {
  test(`a certificate ${what} is refused, whatever the environment says, and nothing is sent`, async (t) => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    t.after(() => delete process.env.NODE_TLS_REJECT_UNAUTHORIZED);
    const engine = await startFakeRemoteExpert(ok, { tls: certificate });
    t.after(engine.close);
    const { answer } = await makeRemote(t).ask(`https://${host}:${engine.port}`);
    assertFellBack(answer, `remote: no connection: ${reason}`);
    assert.equal(engine.calls.length, 0);
  });
}

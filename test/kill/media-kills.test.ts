import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { IntegrationService, Mode } from '../../gen/wecom/v1/integration_pb.ts';
import { TriggerService } from '../../gen/wecom/v1/trigger_pb.ts';
import { dialects, type TestDatabase } from '../support/databases.ts';
import { findFreePort } from '../support/free-port.ts';
import { type MediaHost, startMediaHost } from '../support/media-host.ts';
import { post, testEnv } from '../support/service.ts';
import { type ServiceProcess, spawnService } from '../support/spawn-service.ts';
import { until } from '../support/until.ts';
import { createWecomSide } from '../support/wecom-side.ts';

const LONG = { timeout: 120_000 };
const appid = 'wx_media_kill';
/** Short, so that what the dead process held is taken up soon; not so short that a busy machine can't start within it. */
const quick = { BIZCOMM_TIMEOUT_MS: '1500', QUERY_TIMEOUT_MS: '2500', LEASE_SECONDS: '5' };

for (const { name: dialect, create } of dialects) {
  describe(`a process that dies while it fetches a user's file, on ${dialect}`, () => {
    let database: TestDatabase;
    let host: MediaHost;
    const running: ServiceProcess[] = [];
    before(async () => {
      database = await create();
      host = await startMediaHost();
    });
    after(async () => {
      for (const each of running) each.kill('SIGKILL');
      await host.close();
      await database.drop();
    });

    test('leaves it to another: the link is fetched anew, and the question answered once', LONG, async () => {
      const env = { ...testEnv(database.url, undefined), ...quick };
      const start = async (killAt: string) => {
        const port = await findFreePort();
        const started = await spawnService({ ...env, PUBLIC_ADDR: `127.0.0.1:${port}`, KILL_AT: killAt });
        running.push(started!);
        return { ...started!, publicUrl: `http://127.0.0.1:${port}` };
      };
      const first = await start('media.downloaded');
      await post(first.url, '/api/wxmp/assistant/create', { appid, name: 'n' });
      const transport = createGrpcTransport({ baseUrl: first.url });
      let base = first.publicUrl;
      let path = '';
      const wecom = createWecomSide(() => base + path);
      const { token, encodingAesKey } = wecom;
      const request = { name: 'b', mode: Mode.WEBHOOK, token, encodingAesKey };
      const { integration } = await createClient(IntegrationService, transport).createIntegration(request);
      const { integrationId, callbackPath } = integration!;
      path = callbackPath;
      await createClient(TriggerService, transport).publishTrigger({ integrationId, appid });
      const url = host.put(encodingAesKey, '差旅制度\n\n出差住宿每晚的上限是 450 元。\n');
      const from = { userid: 'u' };
      const { id } = (await wecom.say(from, '', { msgtype: 'file', text: undefined, file: { url } })).frame.stream;
      assert.equal(await first.ended, 'SIGKILL');
      const second = await start('');
      base = second.publicUrl;
      const last = await until('it is answered', async () => {
        const { stream } = (await wecom.poll(from, id)).frame;
        return stream.finish ? stream : undefined;
      });
      assert.match(last.content, /文件已经读取/);
      assert.equal(host.asked.filter((asked) => url.includes(asked)).length, 2);
      assert.match(await wecom.ask(from, '出差住宿每晚的上限是多少？'), /450/);
    });
  });
}

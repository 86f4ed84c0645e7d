import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { dialects } from '../support/databases.ts';
import { type Answer, type Service, startService } from '../support/service.ts';

for (const { name: dialect } of dialects) {
  describe(`the list of assistants on ${dialect}`, () => {
    let service: Service;
    before(async () => {
      service = await startService({ dialect, env: { BIZCOMM_URL: '' } });
    });
    after(() => service.stop());

    const create = async (appid: string) => {
      const { errcode, errmsg } = await service.call('/api/wxmp/assistant/create', { appid, name: `name of ${appid}` });
      assert.equal(errcode, 0, errmsg);
    };
    const list = (body: Record<string, unknown>) => service.call('/api/wxmp/assistant/list', body);
    const appids = ({ assistants }: Answer): string[] => assistants.map(({ appid }: { appid: string }) => appid);

    test('pages are in the order of the appid, and what is created or deleted between two neither skips nor repeats', async () => {
      for (const appid of ['wx_b', 'wx_d', 'wx_f', 'wx_h', 'wx_j']) await create(appid);
      const first = await list({ page_size: 2 });
      assert.deepEqual(appids(first), ['wx_b', 'wx_d']);
      await create('wx_a'); // before what was shown: not shown
      await create('wx_e'); // behind it: shown
      await service.call('/api/wxmp/assistant/delete', { appid: 'wx_d' }); // the token's own
      await service.call('/api/wxmp/assistant/delete', { appid: 'wx_h' });
      const second = await list({ page_size: 2, page_token: first.next_page_token });
      assert.deepEqual(appids(second), ['wx_e', 'wx_f']);
      const third = await list({ page_size: 2, page_token: second.next_page_token });
      assert.deepEqual([appids(third), third.next_page_token], [['wx_j'], '']);
      const all = await list({});
      assert.deepEqual([appids(all), all.next_page_token], [['wx_a', 'wx_b', 'wx_e', 'wx_f', 'wx_j'], '']);
      // A page that ends exactly at the end says so.
      assert.equal((await list({ page_size: 5 })).next_page_token, '');
      const { create_time, ...rest } = all.assistants[0];
      assert.deepEqual(rest, { appid: 'wx_a', name: 'name of wx_a', status: 2, doc_num: 0 });
      assert.ok(Math.abs(create_time - Date.now() / 1000) < 600);
    });

    test('page_size 0 means 50, and more than 200 means 200', async () => {
      const more = Array.from({ length: 205 }, (_, at) => `wy_${String(at).padStart(3, '0')}`);
      for (const appid of more) await create(appid); // all at once might be too much for a busy machine
      assert.equal(appids(await list({})).length, 50);
      const most = await list({ page_size: 1_000_000 });
      assert.equal(appids(most).length, 200);
      const rest = await list({ page_size: 200, page_token: most.next_page_token });
      assert.equal(rest.next_page_token, '');
      const seen = [...appids(most), ...appids(rest)];
      assert.deepEqual(seen, seen.toSorted());
      assert.equal(new Set(seen).size, seen.length);
      assert.equal(seen.filter((appid) => appid.startsWith('wy_')).length, 205);
    });

    test('a page_token that is none, and a negative page_size, are 40001 with the name of the field', async () => {
      const encode = (text: string) => Buffer.from(text).toString('base64url');
      for (const page_token of ['x', '%%%', encode('null'), encode('{}'), encode('{"after":5}'), encode('"wx_a"')]) {
        const answer = await list({ page_token });
        assert.equal(answer.errcode, 40001, page_token);
        assert.match(answer.errmsg, /page_token/);
      }
      const negative = await list({ page_size: -1 });
      assert.equal(negative.errcode, 40001);
      assert.match(negative.errmsg, /page_size/);
    });
  });
}

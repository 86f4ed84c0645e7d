import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { encode } from 'silk-wasm';
import { findFormat } from '../../src/message/voice/sound-format.ts';
import { writeWave } from '../../src/message/voice/write-wave.ts';
import { dialects } from '../support/databases.ts';
import { type FakeAsr, startFakeAsr } from '../support/fake-asr.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const appid = 'wx_voice';
const question = '成人票多少钱？';

/** A second of a tone. */
function tone(): Uint8Array {
  const samples = Int16Array.from({ length: 24_000 }, (_, at) => 8000 * Math.sin((2 * Math.PI * 440 * at) / 24_000));
  return new Uint8Array(samples.buffer);
}

for (const { name: dialect } of dialects) {
  describe(`voice on ${dialect}`, () => {
    let service: Service;
    let asr: FakeAsr;
    let silk: Uint8Array;
    before(async () => {
      asr = await startFakeAsr();
      silk = (await encode(tone(), 24_000)).data;
      const env = { ASR_BASE_URL: asr.url, ASR_MODEL: 'ears-1', LLM_API_KEY: 'key-of-the-test' };
      const articles = [article('a1', '本馆的成人票是 168 元，儿童票是 98 元。')];
      service = await startService({ dialect, articles, env });
      await service.createLearned(appid);
    });
    after(async () => {
      await service?.stop();
      await asr?.close();
    });

    let messages = 0;
    const say = async (media: Uint8Array | string | undefined, format = 4) => {
      const [openid, msgid, media_id] = [`u${++messages}`, `v${messages}`, `m${messages}`];
      if (media !== undefined) service.wechat.state.media.set(media_id, media);
      const message = { appid, openid, msgid, msg_type: 'voice', voice: { media_id, format } };
      assert.equal((await service.call('/api/wxmp/message/notify', message)).errcode, 0);
      const reply = await until(`${msgid} is answered`, () =>
        service.wechat.state.replies.find((each) => each.msgid === msgid),
      );
      const list = await service.call('/api/wxmp/message/list', { appid, openid });
      return { text: reply.segments.map(({ content }) => content).join('\n'), said: list.messages[0].text.content };
    };

    test('a silk recording becomes a question: it is decoded, written down, listed as text and answered', async () => {
      asr.answers = [{ status: 200, text: ` ${question} ` }];
      const { text, said } = await say(silk);
      assert.match(text, /168 元/);
      assert.equal(said, question);
      const { path, model, name, bytes, authorization } = asr.heard.at(-1)!;
      assert.deepEqual([path, model, name], ['/v1/audio/transcriptions', 'ears-1', 'voice.wav']);
      assert.equal(authorization, 'Bearer key-of-the-test');
      assert.equal(Buffer.from(bytes.subarray(0, 4)).toString(), 'RIFF');
      const loudest = new Int16Array(bytes.buffer, bytes.byteOffset + 44).reduce((most, x) => Math.max(most, x), 0);
      assert.ok(loudest > 4000 && Math.abs(bytes.length - 48_044) < 4000, `${loudest}, ${bytes.length} bytes`);
    });

    test('the format is that of the bytes; others than silk go as they are; an address is fetched', async () => {
      asr.answers = [{ status: 200, text: question }];
      const wave = writeWave(tone(), 24_000);
      assert.match((await say(wave, 4)).text, /168 元/); // told as silk
      assert.deepEqual(asr.heard.at(-1)!.bytes, wave);
      service.wechat.state.files.set('recording', silk);
      assert.match((await say(`${service.wechat.url}/files/recording`)).text, /168 元/);
      assert.equal(asr.heard.at(-1)!.name, 'voice.wav');
    });

    test('AMR is decoded where the machine has ffmpeg, and goes as it is where not', async () => {
      asr.answers = [{ status: 200, text: question }];
      const amr = Buffer.concat([Buffer.from('#!AMR\n'), ...Array(100).fill(Buffer.from([4, ...Array(12).fill(0)]))]);
      assert.match((await say(amr, 0)).text, /168 元/);
      const { name, bytes } = asr.heard.at(-1)!;
      if (spawnSync('ffmpeg', ['-version']).status === 0) {
        assert.deepEqual([name, bytes.length], ['voice.wav', 44 + 2 * 16_000 * 2]); // 100 frames of 20 ms
      } else {
        assert.deepEqual([name, bytes.length], ['voice.amr', amr.length]);
      }
    });

    test('what can not be decoded or heard gets the text that asks to type', async () => {
      const heard = asr.heard.length;
      for (const broken of [Buffer.from('\x02#!SILK_V3 and then nothing of it'), silk.subarray(0, 12)]) {
        assert.match((await say(broken)).text, /请用文字/);
      }
      assert.equal(asr.heard.length, heard, 'nothing of it was sent');
      asr.answers = [{ status: 200, text: '' }];
      assert.match((await say(silk)).text, /请用文字/);
      asr.answers = [{ status: 400, text: '' }];
      assert.match((await say(silk)).text, /请用文字/);
    });

    test('an endpoint that fails for a while is asked again', async () => {
      asr.answers = [...Array(3).fill({ status: 503, text: '' }), { status: 200, text: question }];
      assert.match((await say(silk)).text, /168 元/);
    });
  });
}

test('the format of a recording is what its bytes say, else what is told', () => {
  const of = (text: string, told: number) => findFormat(Buffer.from(text, 'latin1'), told);
  assert.equal(of('#!SILK_V3', 0), 'silk');
  assert.equal(of('\x02#!SILK_V3', 0), 'silk');
  assert.equal(of('#!AMR\n', 4), 'amr');
  assert.equal(of('ID3\x04', 4), 'mp3');
  assert.equal(of('\xff\xfb\x90', 0), 'mp3');
  assert.equal(of('\xff\xf1\x50', 0), 'aac');
  assert.equal(of('OggS', 0), 'speex');
  assert.equal(of('anything', 2), 'mp3');
  assert.equal(of('anything', 99), 'silk');
});

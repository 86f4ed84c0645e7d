import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { dialects } from '../support/databases.ts';
import { type DialledBot, type DialledService, startDialledService } from '../support/dialled-service.ts';
import { until } from '../support/until.ts';

const LONG = { timeout: 120_000 };

/** Of a frame that WeCom has taken, the acknowledgement takes so long: twice what is usual. */
const ackMs = 600;

for (const { name: dialect } of dialects) {
  describe(`a long connection that is closed on purpose, on ${dialect}`, () => {
    let dialled: DialledService;
    before(async () => {
      dialled = await startDialledService('wx_hand_over', { dialect, env: { LEASE_SECONDS: '8' } });
    }, LONG);
    after(() => dialled?.stop(), LONG);

    const ways: Record<string, (bot: DialledBot) => Promise<unknown>> = {
      'an operator wants another one': ({ integrationId }) =>
        dialled.clients.bots.reconnectIntegration({ integrationId }),
      'its bot is disabled for a moment': async ({ botId, integrationId }) => {
        await dialled.clients.bots.updateIntegration({ integrationId, enabled: false });
        await until('it is closed', () => dialled.side.connected(botId) === undefined);
        await dialled.clients.bots.updateIntegration({ integrationId, enabled: true });
      },
    };
    for (const [way, close] of Object.entries(ways)) {
      test(`hears what became of the message that is on its way, which is not said again: ${way}`, LONG, async () => {
        const { chats, side } = dialled;
        const bot = await dialled.dial();
        const from = { userid: way };
        const onItsWay = Promise.withResolvers<void>();
        chats.fault = ({ body }) => (body.stream?.finish ? 846_608 : undefined); // so it goes as a message
        side.delayMs = ({ cmd }) => {
          if (cmd !== 'aibot_send_msg') return 0;
          onItsWay.resolve();
          return ackMs;
        };
        chats.say(bot.botId, from, '成人票多少钱？');
        await onItsWay.promise;
        const former = side.connected(bot.botId);
        await close(bot);
        await until('there is another connection', () => ![undefined, former].includes(side.connected(bot.botId)));
        await until('nothing waits', async () => {
          const rows = await dialled.database.all("select 1 from dispatch where state = 'pending'");
          return rows.length === 0;
        });
        assert.equal(chats.chat(from).filter(({ kind }) => kind === 'markdown').length, 1);
        assert.deepEqual([...chats.faults, ...side.faults], []);
      });
    }
  });
}

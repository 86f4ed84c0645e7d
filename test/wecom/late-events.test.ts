import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Context } from '../../src/context.ts';
import { openDatabase } from '../../src/db/database.ts';
import type { Connection } from '../../src/wecom/long-connection/connection.ts';
import type { Command } from '../../src/wecom/long-connection/frame.ts';
import { createEar } from '../../src/wecom/long-connection/hear-callback.ts';
import type { Pushing } from '../../src/wecom/long-connection/push-drafts.ts';
import { createQuota } from '../../src/wecom/long-connection/quota.ts';
import { clientsOf, makeDialledBot } from '../support/dialled-bots.ts';
import { createMortal, type MortalDatabase } from '../support/mortal-database.ts';
import { type Service, startService } from '../support/service.ts';

const LONG = { timeout: 60_000 };
const appid = 'wx_late';

describe('an event of a bot that is dialled', () => {
  let service: Service;
  let database: MortalDatabase;
  let close: () => Promise<void>;
  let integrationId: string;
  before(async () => {
    service = await startService();
    await service.call('/api/wxmp/assistant/create', { appid, name: 'n' });
    integrationId = await makeDialledBot(clientsOf(service.app.url), appid);
    const real = openDatabase({ url: service.databaseUrl, poolSize: 2, queryTimeoutMs: 60_000 });
    database = createMortal(real);
    close = () => real.close();
  });
  after(async () => {
    database?.resume();
    await close?.();
    await service?.stop();
  });

  const listen = () => {
    const sent: Command[] = [];
    const connection = {
      send: async (command: Command) => {
        sent.push(command);
        return { reqId: command.reqId, errcode: 0, errmsg: '', body: undefined };
      },
    } as unknown as Connection;
    const context = { database, wake: { messages: () => {} } } as unknown as Context;
    const pushing = {} as Pushing;
    const troubles: string[] = [];
    const bot = { integrationId, connection, quota: createQuota() };
    const recorder = { note: () => {}, flush: async () => {} };
    const onTrouble = (reason: string) => void troubles.push(reason);
    return { sent, troubles, ear: createEar({ context, recorder, pushing, bot, onTrouble }) };
  };
  const enter = {
    ...{ reqId: 'r1', kind: 'event' as const },
    body: { msgid: 'm', from: { userid: 'u' }, msgtype: 'event', event: { eventtype: 'enter_chat' } },
  };

  test('is answered at once', LONG, async () => {
    const { sent, ear } = listen();
    ear.hear(enter);
    await ear.settled();
    assert.deepEqual(
      sent.map(({ cmd, reqId }) => [cmd, reqId]),
      [['aibot_respond_welcome_msg', 'r1']],
    );
  });

  test('that could not be answered within five seconds is not answered at all', LONG, async () => {
    const { sent, troubles, ear } = listen();
    database.pauseAfter(0);
    ear.hear(enter);
    setTimeout(() => database.resume(), 4700);
    await ear.settled();
    assert.match(troubles[0]!, /too late/);
    assert.deepEqual(sent, []);
  });
});

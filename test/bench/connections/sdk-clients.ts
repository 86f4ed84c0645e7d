/** Clients of WeCom's own SDK, in a process of their own. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WSClient } from '@wecom/aibot-node-sdk';
import { measureUsage, serveParent } from './child.ts';

const clients: WSClient[] = [];
const logger = { debug() {}, info() {}, warn() {}, error() {} };

serveParent({
  usage: measureUsage,
  async connect({ wsUrl, botIds }: { wsUrl: string; botIds: string[] }) {
    for (const botId of botIds) {
      const client = new WSClient({ botId, secret: 's', wsUrl, logger });
      client.on('error', () => {}).on('message', () => {});
      clients.push(client.connect());
      await sleep(10);
    }
  },
});
process.once('disconnect', () => process.exit()).once('SIGTERM', () => process.exit());

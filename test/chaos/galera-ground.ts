/** A Galera cluster as the place of a storm. */

import type { AddressInfo } from 'node:net';
import { createServer, connect as dial, type Socket } from 'node:net';
import type { GaleraCluster } from '../support/galera-cluster.ts';
import type { Random } from '../support/random.ts';
import type { Ground } from './field.ts';

/** What a cluster has counted, over all nodes. */
export interface Conflicts {
  /** Commits that were refused because another node's came first. */
  certificationFailures: number;
  /** Transactions that were aborted because what another node had committed needed their locks. */
  aborts: number;
}

export interface GaleraGround extends Ground {
  /** Since the ground was made. */
  conflicts(): Promise<Conflicts>;
  /** Tables of which two nodes hold different rows, once all are in sync. */
  differences(): Promise<string[]>;
}

/**
 * An empty database on a cluster, and each node killed in turn. Either each replica has a node of its own, or all have
 * one endpoint, as of a proxy or a virtual address, that leads to one node, and to the next one when that is gone.
 */
export async function onGalera(
  cluster: GaleraCluster,
  { database, endpoint, random }: { database: string; endpoint: 'own' | 'one'; random: Random },
): Promise<GaleraGround> {
  await cluster.query(cluster.nodes[0]!, `create database ${database}`);
  const proxy = endpoint === 'one' ? await startFailover(cluster) : undefined;
  const read = async (): Promise<Conflicts> => {
    const sum = async (name: string) => {
      const counts = await Promise.all(cluster.nodes.map((node) => (node.isRunning() ? node.status(name) : '0')));
      return counts.reduce((total, count) => total + Number(count), 0);
    };
    return { certificationFailures: await sum('local_cert_failures'), aborts: await sum('local_bf_aborts') };
  };
  const before = await read();
  const lost: Conflicts = { certificationFailures: 0, aborts: 0 }; // with nodes that were killed
  return {
    name: 'Galera',
    urls:
      proxy === undefined
        ? cluster.nodes.map(({ url }) => url + database)
        : [`mysql://root@${proxy.address}/${database}`],
    async killDatabase(nth) {
      const node = proxy?.current() ?? cluster.nodes[nth % cluster.nodes.length]!;
      lost.certificationFailures += Number(await node.status('local_cert_failures'));
      lost.aborts += Number(await node.status('local_bf_aborts'));
      await node.kill();
      await new Promise((resolve) => setTimeout(resolve, random.below(3000)));
      await node.start();
      await cluster.untilSynced(3);
    },
    async conflicts() {
      const now = await read();
      return {
        certificationFailures: now.certificationFailures + lost.certificationFailures - before.certificationFailures,
        aborts: now.aborts + lost.aborts - before.aborts,
      };
    },
    async differences() {
      await cluster.untilSynced(3);
      const tables = await cluster.query(cluster.nodes[0]!, `show tables from ${database}`);
      const names = tables.map((row) => `${database}.${Object.values(row)[0]}`);
      const sums = await Promise.all(
        cluster.nodes.map(async (node) => {
          // With this the node first applies all that was committed anywhere.
          const rows = await cluster.query(node, `checksum table ${names.join(', ')}`);
          return new Map(rows.map(({ Table, Checksum }) => [String(Table), String(Checksum)]));
        }),
      );
      return names.filter((name) => new Set(sums.map((sum) => sum.get(name))).size > 1);
    },
    close: async () => proxy?.close(),
  };
}

/** Leads all connections to one node; when a connection can't be made, to the next one from then on. */
async function startFailover({ nodes }: GaleraCluster) {
  let current = 0;
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    return socket;
  };
  const listener = createServer((client) => {
    track(client);
    const chosen = current;
    const upstream = track(dial(Number(new URL(nodes[chosen]!.url).port), '127.0.0.1'));
    let connected = false;
    upstream.once('connect', () => {
      connected = true;
      client.pipe(upstream).pipe(client);
    });
    upstream.once('close', () => {
      if (!connected && current === chosen) current = (current + 1) % nodes.length;
      client.destroy();
    });
    client.once('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    current: () => nodes[current]!,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

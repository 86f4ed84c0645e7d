/** A TCP proxy before a MySQL server that can go silent, and cut connections at a chosen statement. */

import type { AddressInfo } from 'node:net';
import { createServer, connect as dial, type Socket } from 'node:net';

export interface TcpProxy {
  /** The address of a database, through the proxy. */
  through(url: string): string;
  /** Nothing passes any more in either direction, and nothing is closed: half-open. New connections are taken, too. */
  goSilent(): void;
  /** From the next statement on that contains `text`, as with goSilent. */
  goSilentAt(text: string): void;
  /** What was silenced stays so for good, and the server is told that its peer is gone; new connections work. */
  heal(): void;
  /**
   * Whether to cut a connection at a statement: before the server gets it, or after it has answered it, unheard. It is
   * told which statements came before on this connection since its transaction began.
   */
  cut: ((statement: string, before: readonly string[]) => 'before' | 'after' | undefined) | undefined;
  /** Cuts all connections. */
  cutAll(): void;
  /** How many clients are connected. */
  clients(): number;
  /** How many connections were cut. */
  cuts: number;
  close(): Promise<void>;
}

export async function startTcpProxy(server: URL): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let silent = false;
  let silentAt: string | undefined;
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    return socket;
  };

  let clients = 0;
  const abandoned = new Set<Socket>();
  const listener = createServer((client) => {
    clients++;
    track(client).once('close', () => clients--);
    const upstream = track(dial(Number(server.port || 3306), server.hostname));
    let muted = silent;
    let cutsOnAnswer = false;
    let before: string[] = [];
    const drop = () => {
      proxy.cuts++;
      client.destroy();
      upstream.destroy();
    };
    client.on('data', (data) => {
      const statement = data.toString('latin1').slice(5); // behind the packet's head and command
      if (silentAt !== undefined && statement.includes(silentAt)) silent = true;
      muted ||= silent;
      if (muted) return void abandoned.add(upstream);
      const cut = proxy.cut?.(statement, before);
      before = /^(begin|commit|rollback)/.test(statement) ? [] : [...before, statement];
      if (cut === 'before') return drop();
      cutsOnAnswer = cut === 'after';
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      muted ||= silent;
      if (muted) return void abandoned.add(upstream);
      if (cutsOnAnswer) return drop();
      client.write(data);
    });
    client.once('close', () => muted || upstream.destroy()); // the server does not learn that a half-open peer is gone
    upstream.once('close', () => muted || client.destroy());
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));

  const proxy: TcpProxy = {
    through(url) {
      const proxied = new URL(url);
      proxied.hostname = '127.0.0.1';
      proxied.port = String((listener.address() as AddressInfo).port);
      return proxied.toString();
    },
    goSilent: () => {
      silent = true;
    },
    goSilentAt: (text) => {
      silentAt = text;
    },
    heal: () => {
      silent = false;
      silentAt = undefined;
      for (const upstream of abandoned) upstream.destroy();
      abandoned.clear();
    },
    cutAll() {
      for (const socket of sockets) socket.destroy();
    },
    clients: () => clients,
    cut: undefined,
    cuts: 0,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
  return proxy;
}

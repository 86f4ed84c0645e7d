import { WebSocket } from 'ws';

/** Whether a WebSocket can be opened at an address; nothing is sent by it. Throws the reason why not. */
export async function checkAddress(url: string, timeoutMs: number): Promise<void> {
  const socket = new WebSocket(url, { handshakeTimeout: timeoutMs, perMessageDeflate: false, followRedirects: false });
  try {
    await new Promise((resolve, reject) => {
      socket.once('open', resolve).on('error', reject);
    });
  } finally {
    socket.terminate();
  }
}

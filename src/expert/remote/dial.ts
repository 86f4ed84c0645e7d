import { isIP, type Socket, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';

const connectTimeoutMs = 10_000;

/**
 * Opens a socket to an http or https origin, in bounded time. For https the certificate must be one that Node trusts
 * (NODE_EXTRA_CA_CERTS adds to them).
 */
export function dial({ protocol, hostname, port }: URL): Socket {
  const host = hostname.replace(/^\[|\]$/g, '');
  const isTls = protocol === 'https:';
  const target = { host, port: Number(port || (isTls ? 443 : 80)) };
  const socket = isTls
    ? tlsConnect({
        ...target,
        ...(isIP(host) === 0 && { servername: host }),
        ALPNProtocols: ['h2'],
        rejectUnauthorized: true, // whatever the environment says
      })
    : tcpConnect(target);
  const late = Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' });
  const timer = setTimeout(() => socket.destroy(late), connectTimeoutMs).unref();
  const stop = () => clearTimeout(timer);
  return socket.once(isTls ? 'secureConnect' : 'connect', stop).once('close', stop);
}

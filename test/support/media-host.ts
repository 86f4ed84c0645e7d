/** Where WeCom's pictures and files lie: each encrypted with its bot's key, behind a link of its own. */
import { randomBytes } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { readAesKey, sealMedia } from '../../src/wecom/crypto.ts';
import { type FileHost, startFileHost } from './file-host.ts';

export interface MediaHost extends FileHost {
  /** Puts a file there, encrypted with the key, and returns its link. */
  put(key: string, bytes: Uint8Array | string, headers?: OutgoingHttpHeaders): string;
}

export async function startMediaHost(): Promise<MediaHost> {
  const host = await startFileHost();
  return {
    ...host,
    put(key, bytes, headers = {}) {
      const path = `/media/${randomBytes(8).toString('hex')}`;
      host.files.set(path, (_, response) => response.writeHead(200, headers).end(encryptMedia(key, bytes)));
      return `${host.url}${path}?sign=presigned-secret`;
    },
  };
}

/** As WeCom encrypts a file: AES-256-CBC over all of it, padded to 32 bytes. */
export function encryptMedia(key: string, bytes: Uint8Array | string): Buffer {
  return sealMedia(readAesKey(key), Buffer.from(bytes));
}

/** The smallest picture there is. */
export const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

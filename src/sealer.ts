/**
 * Encrypts the secrets that the database keeps: AES-256-GCM, with the key of SECRET_KEY.
 *
 * What is sealed is bound to its place: a secret that somebody copies into another row opens nothing. The key's id stands
 * before it. So keys can be changed: SECRET_KEY names the new one first and the old ones after it, what is sealed from
 * then on has the new one, and the old ones can go when nothing has their ids any more.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

export interface Sealer {
  /** Encrypts a secret for a place, such as `integration:<id>:token`. */
  seal(secret: string, place: string): string;
  /** Decrypts it. Throws where it was changed, is for another place, or was sealed with a key that isn't known. */
  open(sealed: string, place: string): string;
}

const cipher = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;

/** Of keys of 32 bytes: the first one seals, all of them open. */
export function createSealer(keys: readonly [Buffer, ...Buffer[]]): Sealer {
  const byId = new Map(keys.map((key) => [idOf(key), key]));
  const [first] = keys;
  return {
    seal(secret, place) {
      const iv = randomBytes(ivBytes);
      const encipher = createCipheriv(cipher, first, iv).setAAD(Buffer.from(place));
      const sealed = Buffer.concat([encipher.update(secret, 'utf8'), encipher.final()]);
      return `${idOf(first)}.${Buffer.concat([iv, encipher.getAuthTag(), sealed]).toString('base64')}`;
    },
    open(sealed, place) {
      const [id = '', text = ''] = sealed.split('.');
      const key = byId.get(id);
      if (key === undefined) throw new Error(`${place} is sealed with the key ${id}, which SECRET_KEY does not have`);
      const bytes = Buffer.from(text, 'base64');
      const decipher = createDecipheriv(cipher, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
        .setAAD(Buffer.from(place))
        .setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
      return decipher.update(bytes.subarray(ivBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8');
    },
  };
}

/** Tells keys apart, and nothing of them. */
function idOf(key: Buffer): string {
  return createHash('sha256').update('wxmp-assistant key').update(key).digest('hex').slice(0, 8);
}

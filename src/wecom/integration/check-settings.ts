/** The rules of a bot's settings that its mode decides, or that the contract can't state. */
import { invalidField } from '../../errors.ts';
import { readAesKey } from '../crypto.ts';
import { textNames } from '../texts.ts';
import { type Credentials, mode as modes } from './store.ts';

/** Throws where something is missing, or is given that a bot of this mode has no use for. */
export function checkCredentials(mode: number, botId: string, credentials: Credentials): void {
  const { token, encodingAesKey, secret } = credentials;
  if (mode === modes.webhook) {
    require('token', token, 'webhook');
    require('encoding_aes_key', encodingAesKey, 'webhook');
    forbid('secret', secret, 'webhook');
  } else {
    require('bot_id', botId, 'long connection');
    require('secret', secret, 'long connection');
    forbid('token', token, 'long connection');
    forbid('encoding_aes_key', encodingAesKey, 'long connection');
  }
  if (encodingAesKey !== '') checkAesKey(encodingAesKey);
}

function require(field: string, value: string, mode: string): void {
  if (value === '') throw invalidField(field, `is required with the mode ${mode}`);
}

function forbid(field: string, value: string, mode: string): void {
  if (value !== '') throw invalidField(field, `is not used with the mode ${mode}`);
}

function checkAesKey(text: string): void {
  const rule = 'must be 43 characters that decode to 32 bytes';
  if (text.length !== 43) throw invalidField('encoding_aes_key', rule);
  try {
    readAesKey(text);
  } catch {
    throw invalidField('encoding_aes_key', rule);
  }
}

/** Throws for a text that nobody says. */
export function checkTexts(texts: Record<string, string>): void {
  for (const name of Object.keys(texts)) {
    if (!textNames.includes(name)) {
      throw invalidField('texts', `has no text named ${name.slice(0, 64)}; there are ${textNames.join(', ')}`);
    }
  }
}

import type { Verdict } from '../errors.ts';

/**
 * What the WeChat side's error codes mean for a delivery. The table names the codes that Official Account interfaces
 * document for customer messages; a code that isn't here is transient, since a wrong guess then costs only tries.
 */
export function classifyErrcode(errcode: number): Verdict {
  return permanentErrcodes.has(errcode) ? 'permanent' : 'transient';
}

const permanentErrcodes = new Set([
  40003, // no such openid
  40008, // no such type of message
  40013, // no such appid
  40035, // bad parameters
  43004, // the user doesn't follow the account
  44002, // empty body
  44004, // empty text
  45002, // text too long
  45015, // the user has not written for too long
  47001, // the body can't be parsed
  47003, // a parameter breaks its rule
  48001, // the account may not use this interface
  48002, // the user refuses messages
  50002, // the user is restricted
]);

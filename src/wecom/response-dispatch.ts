/** The dispatches of answers. In callback mode there are two; the second only where the bubble doesn't hold all of it. */

/** What is said by the response_url of a stream in place of the bubble, should nobody fetch it. */
export const responseKind = 'wecom.response';

/** What follows the bubble. */
export const restKind = 'wecom.rest';

export const responseKey = (messageId: string) => `reply:${messageId}:response`;

export const restKey = (messageId: string) => `reply:${messageId}:rest`;

/**
 * Over a long connection: the first piece ends the bubble, or goes as a message of its own where that can't be; so do all
 * others, and the card and the pictures behind them. Only whoever holds the bot's connection sends them.
 */
export const connectionKinds = {
  stream: 'wecom.stream',
  send: 'wecom.send',
  card: 'wecom.card',
  image: 'wecom.image',
} as const;

export const pieceKey = (messageId: string, piece: string) => `reply:${messageId}:${piece}`;

/** The payload of a dispatch over a long connection. */
export interface PiecePayload {
  streamId: string;
  /** What is said; of a picture, its address. */
  text: string;
  /** What the response_url says in place of all pieces; on the first. */
  alone?: string;
}

/** The payload of both in callback mode. */
export interface ResponsePayload {
  streamId: string;
  text: string;
  /** Whether a `restKind` waits behind it. */
  hasRest?: boolean;
}

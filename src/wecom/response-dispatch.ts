/** The two dispatches of an answer in callback mode. The second is there only where the bubble doesn't hold all of it. */

/** What is said by the response_url of a stream in place of the bubble, should nobody fetch it. */
export const responseKind = 'wecom.response';

/** What follows the bubble. */
export const restKind = 'wecom.rest';

export const responseKey = (messageId: string) => `reply:${messageId}:response`;

export const restKey = (messageId: string) => `reply:${messageId}:rest`;

/** The payload of both. */
export interface ResponsePayload {
  streamId: string;
  text: string;
  /** Whether a `restKind` waits behind it. */
  hasRest?: boolean;
}

/** The forms of what is answered to a callback, before it is encrypted. */

/** A stream with all of its text so far; `finish` seals it. */
export function streamFrame(id: string, content: string, finish: boolean): object {
  return { msgtype: 'stream', stream: { id, finish, content } };
}

/** The only answer that may be plain: to whoever opens the chat. */
export function textFrame(content: string): object {
  return { msgtype: 'text', text: { content } };
}

/** The first of a stream: what its user thinks of the answer comes back with the id of the stream. */
export function firstFrame(id: string, content: string): object {
  return { msgtype: 'stream', stream: { id, finish: false, content, feedback: { id } } };
}

/** The last of a stream, with a card below it. WeCom takes one card for a message. */
export function lastFrameWithCard(id: string, content: string, card: object): object {
  return { msgtype: 'stream_with_template_card', stream: { id, finish: true, content }, template_card: card };
}

export function cardFrame(card: object): object {
  return { msgtype: 'template_card', template_card: card };
}

/** The forms of what is answered to a callback, before it is encrypted. */

/** A stream with all of its text so far; `finish` seals it. */
export function streamFrame(id: string, content: string, finish: boolean): object {
  return { msgtype: 'stream', stream: { id, finish, content } };
}

/** The only answer that may be plain: to whoever opens the chat. */
export function textFrame(content: string): object {
  return { msgtype: 'text', text: { content } };
}

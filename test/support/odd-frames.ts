/** What WeCom never sends: frames that are none, and callbacks whose fields are anything. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';

const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);

/** Frames that nothing can be made of, and none of which is longer than a frame may be. */
export const oddFrames: readonly (string | Uint8Array)[] = [
  ...['', ' ', 'null', 'true', '[]', '0', '"x"', '{}', '\u0000', '{"cmd":"x"', 'NaN', '{"headers":null}'],
  ...['{"headers":{"req_id":7}}', '{"headers":{"req_id":""}}', '{"errcode":0}', '{"headers":{"req_id":"1"}}'],
  ...[nested(100_000, '[', ']'), nested(1_000_000, '[', ''), `{"cmd":${nested(100_000, '[', ']')}}`],
  ...['aibot_msg_callback', 'aibot_event_callback', 'unknown', '__proto__', 'toString', '', 'x'.repeat(5000)].flatMap(
    (cmd) =>
      [undefined, null, 7, 'x', [], {}, { event: 5 }, { event: { eventtype: {} } }].map((body) =>
        JSON.stringify({ cmd, headers: { req_id: 'odd' }, body }),
      ),
  ),
  `{"cmd":"aibot_msg_callback","headers":{"req_id":"1"},"body":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`,
  `{"cmd":"aibot_msg_callback","headers":{"req_id":"1"},"body":{"msgtype":"mixed","mixed":{"msg_item":[${'0,'.repeat(1_000_000)}0]}}}`,
  '{"cmd":"aibot_msg_callback","headers":{"req_id":"1"},"body":{"__proto__":{"msgid":"m"},"constructor":1}}',
  ...[Buffer.from([0xff, 0xfe]), Buffer.alloc(100_000), randomBytes(10_000), Buffer.from('\ufeff{}')],
  ...['0', 1.5, null, [], {}, 2 ** 31, -(2 ** 31) - 1, 1e300].map((errcode) =>
    JSON.stringify({ headers: { req_id: 'unknown' }, errcode, errmsg: 'ok' }),
  ),
  ...[0, 846_605, -1, 2 ** 31 - 1].flatMap((errcode) => [
    JSON.stringify({ headers: { req_id: 'unknown' }, errcode }),
    Buffer.from(JSON.stringify({ headers: { req_id: '__proto__' }, errcode, errmsg: 7, body: [] })),
  ]),
];

/** Callbacks of each kind, in order. */
const wholeBodies: readonly object[] = [
  { msgtype: 'text', text: { content: '在吗' }, chattype: 'group', chatid: 'odd-group' },
  { msgtype: 'text', text: { content: '在吗' }, quote: { msgtype: 'text', text: { content: '见上' } } },
  { msgtype: 'voice', voice: { content: '在吗' }, response_url: 'https://x.invalid/cgi-bin/aibot/response' },
  { msgtype: 'image', image: { url: 'https://x.invalid/1', aeskey: 'k'.repeat(43) } },
  { msgtype: 'file', file: { url: 'https://x.invalid/2', aeskey: 'k'.repeat(44) } },
  { msgtype: 'video', video: { url: 'https://x.invalid/3' } },
  { msgtype: 'mixed', mixed: { msg_item: [{ msgtype: 'text', text: { content: '在吗' } }] } },
  { msgtype: 'stream', stream: { id: 'odd' } },
  { msgtype: 'event', event: { eventtype: 'enter_chat' } },
  { msgtype: 'event', event: { eventtype: 'an_event_of_next_year', an_event_of_next_year: { x: 1 } } },
  {
    msgtype: 'event',
    event: { eventtype: 'template_card_event', template_card_event: { event_key: 'k', task_id: 't' } },
  },
  { msgtype: 'event', event: { eventtype: 'feedback_event', feedback_event: { id: 'f', type: 1, content: 'x' } } },
];

/** A path into each field of a value, at whatever depth. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  const below = Object.entries(value).flatMap(([key, each]) => pathsOf(each, [...path, key]));
  return path.length === 0 ? below : [path, ...below];
}

const anything = fc.oneof(
  fc.constantFrom(
    undefined,
    null,
    true,
    -1,
    0,
    1.5,
    1e300,
    '',
    [],
    {},
    'sys',
    '\ud800',
    '\u0000',
    '../..',
    '__proto__',
  ),
  fc.constantFrom('x'.repeat(100_000), Array(1000).fill(0), { a: { b: { c: {} } } }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** A callback of which one or two fields, wherever they are, hold anything. */
export const oddCallbacks = fc
  .constantFrom(...wholeBodies)
  .chain((body) => {
    const from = { userid: `odd-${randomBytes(4).toString('hex')}` };
    const whole = { msgid: randomBytes(9).toString('hex'), aibotid: 'another', from, ...body };
    const change = fc.tuple(fc.constantFrom(...pathsOf(whole)), anything);
    return fc.array(change, { minLength: 1, maxLength: 2 }).map((changes) => {
      const changed = structuredClone(whole);
      for (const [path, value] of changes) put(changed, path, value);
      return changed;
    });
  })
  .map((body) => {
    const cmd = 'event' in body ? 'aibot_event_callback' : 'aibot_msg_callback';
    return JSON.stringify({ cmd, headers: { req_id: randomBytes(9).toString('base64url') }, body });
  });

function put(target: object, path: readonly string[], value: unknown): void {
  // biome-ignore lint/suspicious/noExplicitAny: whatever is there by now
  let at: any = target;
  for (const key of path.slice(0, -1)) at = at?.[key];
  if (typeof at === 'object' && at !== null) at[path.at(-1)!] = value;
}

/** Who talks with a bot where, what answers which callback, and how often a bot may speak. */
import { createHash } from 'node:crypto';
import { keepIn } from '../keep-in.ts';
import { codes, Refused } from './refused.ts';

/** Where a bot and users talk: with one of them (1), or in a group (2). */
export interface Place {
  botId: string;
  chatType: 1 | 2;
  chatId: string;
}

interface Stream {
  firstMs: number;
  /** A hash of the final content; undefined while it is open. */
  final: string | undefined;
}

/** What was sent to a bot. */
export interface Sent {
  botId: string;
  kind: 'message' | 'enter' | 'click' | 'other';
  /** Undefined: it is nobody's. */
  place: Place | undefined;
  sentMs: number;
  /** A welcome or an update was taken. */
  isResponded: boolean;
  streams: Map<string, Stream>;
}

export interface Chats {
  /** Remembers a callback, and that its user has written there. */
  note(reqId: string, sent: Omit<Sent, 'sentMs' | 'isResponded' | 'streams'>): void;
  /** A callback, whoever asks. */
  sentAs(reqId: string): Sent | undefined;
  /** The callback that a frame answers. Throws a Refused where it is another bot's, too old, or none. */
  find(botId: string, reqId: string, withinMs: number): Sent & { place: Place };
  /** The place that a bot names, where somebody has written to it. Throws a Refused. */
  findPlace(botId: string, chatId: string, chatType: number): Place;
  /** Counts something that a bot says. Throws a Refused beyond 30 in a minute and 1,000 in an hour. */
  count(place: Place): void;
  /** Takes a frame of a stream; false: it is ignored. Throws a Refused. */
  stream(sent: Sent & { place: Place }, frame: { id: string; finish: boolean; content: string }): boolean;
}

export const keyOf = ({ botId, chatType, chatId }: Place) => JSON.stringify([botId, chatType, chatId]);

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const mostInMinute = 30;
const mostInHour = 1000;
/** From a stream's first frame on. */
const streamMs = 10 * minuteMs;
const maxKept = 2000;
const maxStreams = 50;
/** Nothing to be seen. */
const blank = /^[\s\u200b-\u200f\u2060\ufeff]*$/;

export function createChats(nowMs: () => number): Chats {
  const callbacks = new Map<string, Sent>();
  /** When something was said at each place, for an hour. */
  const said = new Map<string, number[]>();

  function count(place: Place): void {
    const now = nowMs();
    const times = (said.get(keyOf(place)) ?? []).filter((timeMs) => now - timeMs < hourMs);
    const inMinute = times.filter((timeMs) => now - timeMs < minuteMs).length;
    if (inMinute >= mostInMinute || times.length >= mostInHour) {
      throw new Refused(codes.tooFrequent, 'message frequency limit exceeded');
    }
    keepIn(said, keyOf(place), [...times, now], maxKept);
  }

  return {
    count,
    note(reqId, { botId, kind, place }) {
      keepIn(
        callbacks,
        reqId,
        { botId, kind, place, sentMs: nowMs(), isResponded: false, streams: new Map() },
        maxKept,
      );
      if (place !== undefined) keepIn(said, keyOf(place), said.get(keyOf(place)) ?? [], maxKept);
    },
    sentAs: (reqId) => callbacks.get(reqId),
    find(botId, reqId, withinMs) {
      const sent = callbacks.get(reqId);
      const isKnown = sent?.botId === botId && nowMs() - sent.sentMs <= withinMs;
      if (!isKnown || sent.place === undefined) throw new Refused(codes.badRequest, 'invalid req_id');
      return sent as Sent & { place: Place };
    },
    findPlace(botId, chatId, chatType) {
      const types = ([2, 1] as const).filter((type) => chatType === 0 || type === chatType);
      const places = types.map((type): Place => ({ botId, chatType: type, chatId }));
      const place = places.find((each) => said.has(keyOf(each)));
      if (place === undefined) throw new Refused(codes.badChat, 'invalid chatid');
      return place;
    },
    stream({ place, streams }, { id, finish, content }) {
      const stream = streams.get(id) ?? { firstMs: nowMs(), final: undefined };
      if (nowMs() - stream.firstMs > streamMs) {
        throw new Refused(codes.expired, 'stream message update expired (>10 minutes), cannot update');
      }
      const hash = createHash('sha1').update(content).digest('base64');
      if (stream.final !== undefined && stream.final !== hash) {
        throw new Refused(codes.responded, 'the stream is finished');
      }
      if (!streams.has(id) && streams.size >= maxStreams) throw new Refused(codes.badRequest, 'too many streams');
      count(place);
      streams.set(id, stream);
      const isRepeat = stream.final !== undefined;
      const isIgnored = finish && blank.test(content);
      if (finish && !isIgnored) stream.final = hash;
      return !isIgnored && !isRepeat;
    },
  };
}

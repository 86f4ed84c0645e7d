import type { BizcommClient } from './bizcomm/client.ts';
import type { Config } from './config.ts';
import type { Alone } from './db/alone.ts';
import type { Database } from './db/database.ts';
import type { Downloader } from './egress/download.ts';
import type { Logger } from './logger.ts';
import type { Channel } from './message/channel.ts';
import type { ChooseExpert } from './message/choose-expert.ts';
import type { FixedTexts } from './message/fixed-texts.ts';
import type { ReplyChannel } from './message/reply-channel.ts';
import type { Transcribe } from './message/voice/transcriber.ts';
import type { Metrics } from './metrics.ts';
import type { Parser } from './parsing/parser.ts';
import type { Guard } from './safety/guard.ts';
import type { Sealer } from './sealer.ts';

/** A point in the flow of data that has been reached. Tests wait for one, or kill the process there. */
export type Point =
  | 'message.accepted' // committed, not yet acknowledged
  | 'message.composed' // an answer exists, not yet committed
  | 'message.answered' // the answer and its dispatches are committed
  | 'dispatch.begun' // the start of a try is committed, nothing sent
  | 'dispatch.sent' // the receiver has it, not yet recorded
  | 'page.fetched' // a page of articles is here, nothing of it committed
  | 'page.indexing' // in mid-transaction of a page
  | 'page.committed'
  | 'file.downloaded' // a file is here, nothing of it committed
  | 'file.parsed'
  | 'file.indexing' // some of its passages are committed, none is shown
  | 'event.fetched' // what an event is about is here, its end not committed
  | 'event.committed'
  | 'media.downloaded' // a picture or a file of a user is here, nothing of it committed
  | 'migration.step';

/** What the service is made of, wired once in app.ts. Everything that isn't pure is reached through it. */
export interface Context {
  config: Config;
  database: Database;
  logger: Logger;
  metrics: Metrics;
  texts: FixedTexts;
  chooseExpert: ChooseExpert;
  /** Says what is not to be asked, answered or learned; undefined where nothing is set. */
  guard: Guard | undefined;
  /** The WeChat side; undefined in an installation without one. */
  bizcomm: BizcommClient | undefined;
  /** Writes down what a recording says; undefined where no endpoint is set. */
  transcribe: Transcribe | undefined;
  /** The only way to an address that came from outside. */
  downloader: Downloader;
  /** How answers reach those who ask over a channel. */
  replyChannel(channel: Channel): ReplyChannel;
  /** Encrypts the secrets that the database keeps. */
  sealer: Sealer;
  /** Reads files, each in a thread of its own. */
  parser: Parser;
  /** Wakes the workers of this process, after a commit that made something due. */
  wake: {
    messages(): void;
    learning(): void;
    dispatch(): void;
    attachments(): void;
    /** Which bots are to be held has changed. */
    connections(): void;
    /** Something is to be said over the long connection of a bot. */
    bot(integrationId: string): void;
  };
  /** The turns of what may kill the process. */
  alone: Alone;
  reached(point: Point): void;
}

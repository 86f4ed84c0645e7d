/** Between an answer and what it may be taken from: while it is shut, no answer may come through. */
export interface Shutter {
  /** From now on nothing may come through: what shuts it has been acknowledged. */
  shut(): void;
  /** From now on something may: what opens it is going to be sent. */
  open(): void;
  isShut(): boolean;
  /** When it was shut last; 0: it never was. */
  lastShutMs(): number;
  /** Whether it was shut all the time between two moments of `performance.now()`. */
  wasShut(fromMs: number, toMs: number): boolean;
}

export function createShutter(): Shutter {
  const times: { fromMs: number; toMs: number }[] = [];
  const isShut = () => times.at(-1)?.toMs === Number.POSITIVE_INFINITY;
  return {
    isShut,
    lastShutMs: () => times.at(-1)?.fromMs ?? 0,
    shut() {
      if (!isShut()) times.push({ fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY });
    },
    open() {
      if (isShut()) times.at(-1)!.toMs = performance.now();
    },
    wasShut: (fromMs, toMs) => times.some((time) => time.fromMs <= fromMs && toMs <= time.toMs),
  };
}

export type View = 'online' | 'draft';

/** A made-up word that stands in one version of one document of one account, and nowhere else. */
export interface Word {
  text: string;
  appid: string;
  /** Shut once the version is replaced or deleted for good. */
  own: Shutter;
  /** All that stands between it and the answers of a configuration. */
  shutters(view: View): Shutter[];
}

export interface Words {
  make(appid: string, around: (view: View) => Shutter[]): Word;
  /** The words that stand in a text. */
  in(text: string): Word[];
  all(): Word[];
}

/** Every word of a test. */
export function createWords(): Words {
  const words: Word[] = [];
  return {
    make(appid, around) {
      const own = createShutter();
      const word = { text: `qz${words.length}x`, appid, own, shutters: (view: View) => [own, ...around(view)] };
      words.push(word);
      return word;
    },
    in: (text) => [...text.matchAll(/qz(\d+)x/g)].map(([, number]) => words[Number(number)]!),
    all: () => words,
  };
}

/** The words of an account that a configuration must not answer with any more, and could a moment ago. */
export function lastShut(words: Words, appid: string, view: View, count: number): Word[] {
  const whenMs = (word: Word) => Math.max(...word.shutters(view).map((shutter) => shutter.lastShutMs()));
  const shut = words.all().filter((word) => word.appid === appid && !isVisible(word, view));
  return shut.toSorted((x, y) => whenMs(y) - whenMs(x)).slice(0, count);
}

export function isVisible(word: Word, view: View): boolean {
  return word.shutters(view).every((shutter) => !shutter.isShut());
}

/** The bytes of a body while it arrives. */
export interface Body {
  /** How many there are so far. */
  readonly length: number;
  /** Copies the chunk; false when there would be more bytes than the limit, and the chunk is not taken. */
  add(chunk: Uint8Array): boolean;
  /** The bytes in an array of just their size. Nothing may be added afterwards. */
  take(): Uint8Array<ArrayBuffer>;
}

const firstBytes = 64 * 1024;

/**
 * Makes room as bytes come, never because of a promised length. Chunks are copied, not kept: one of a single byte would
 * hold the 64 KiB that it was read into, and a chunked body can be made of millions of them.
 */
export function createBody(maxBytes: number): Body {
  let bytes = new Uint8Array(Math.min(firstBytes, maxBytes));
  let length = 0;
  return {
    get length() {
      return length;
    },
    add(chunk) {
      const needed = length + chunk.byteLength;
      if (needed > maxBytes) return false;
      if (needed > bytes.byteLength) {
        const size = Math.min(maxBytes, Math.max(needed, 2 * bytes.byteLength));
        bytes = new Uint8Array(bytes.buffer.transfer(size));
      }
      bytes.set(chunk, length);
      length = needed;
      return true;
    },
    take: () => new Uint8Array(bytes.buffer.transfer(length)),
  };
}

/**
 * Calls `fail` when fewer bytes came within one window than the floor asks for. Returns what ends the watch.
 * A window is counted only after the sockets were read: when this process was busy, bytes wait there unseen.
 */
export function watchRate(
  count: () => number,
  limits: { minBytesPerSecond: number; windowMs: number },
  fail: () => void,
): () => void {
  const neededBytes = (limits.minBytesPerSecond * limits.windowMs) / 1000;
  let before = 0;
  let isOver = false;
  const judge = () => {
    if (isOver) return;
    const now = count();
    if (now - before < neededBytes) fail();
    before = now;
  };
  const timer = setInterval(() => setImmediate(judge), limits.windowMs);
  return () => {
    isOver = true;
    clearInterval(timer);
  };
}

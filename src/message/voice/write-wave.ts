/** Samples (16 bits, one channel, little end first) as a WAVE file. */
export function writeWave(samples: Uint8Array, sampleRate: number): Uint8Array<ArrayBuffer> {
  const wave = new Uint8Array(44 + samples.length);
  const view = new DataView(wave.buffer);
  const write = (at: number, text: string) => wave.set(new TextEncoder().encode(text), at);
  write(0, 'RIFF');
  view.setUint32(4, 36 + samples.length, true);
  write(8, 'WAVEfmt ');
  view.setUint32(16, 16, true); // the length of what describes the samples
  view.setUint16(20, 1, true); // not compressed
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 2 * sampleRate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  write(36, 'data');
  view.setUint32(40, samples.length, true);
  wave.set(samples, 44);
  return wave;
}

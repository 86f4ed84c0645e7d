/** How a recording is written. */
export type SoundFormat = 'amr' | 'speex' | 'mp3' | 'wave' | 'silk' | 'aac';

/** The numbers of the seed's `format`. */
const told: readonly SoundFormat[] = ['amr', 'speex', 'mp3', 'wave', 'silk', 'aac'];

const begins: [SoundFormat, RegExp][] = [
  ['silk', /^\x02?#!SILK/], // WeChat's has a byte in front
  ['amr', /^#!AMR/],
  ['wave', /^RIFF....WAVE/s],
  ['speex', /^OggS/],
  ['aac', /^\xff[\xf0\xf1\xf8\xf9]/],
  ['mp3', /^(?:ID3|\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff])/],
];

/** The format of a recording: what its bytes say, for what is told is often wrong; else what is told. */
export function findFormat(bytes: Uint8Array, format: number): SoundFormat {
  const start = Buffer.from(bytes.subarray(0, 16)).toString('latin1');
  return begins.find(([, pattern]) => pattern.test(start))?.[0] ?? told[format] ?? 'silk';
}

import { decodeSilk, silkSampleRate } from './decode-silk.ts';
import { ffmpegSampleRate, runFfmpeg } from './run-ffmpeg.ts';
import { findFormat, type SoundFormat } from './sound-format.ts';
import { writeWave } from './write-wave.ts';

/** A recording as a transcription endpoint takes it; such endpoints go by the name's ending. */
export interface SoundFile {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

const endings: Record<SoundFormat, string> = {
  amr: 'amr',
  speex: 'ogg',
  mp3: 'mp3',
  wave: 'wav',
  silk: 'silk',
  aac: 'aac',
};

/**
 * Makes a recording ready to be heard: SILK, which only WeChat knows, is decoded; AMR and Speex are where the machine
 * has ffmpeg; the others go as they are. Undefined: it can't be decoded.
 */
export async function toSoundFile(
  bytes: Uint8Array<ArrayBuffer>,
  told: number,
  signal: AbortSignal,
): Promise<SoundFile | undefined> {
  const format = findFormat(bytes, told);
  if (format === 'silk') {
    const samples = await decodeSilk(bytes, signal);
    return samples && { name: 'voice.wav', bytes: writeWave(samples, silkSampleRate) };
  }
  if (format === 'amr' || format === 'speex') {
    const samples = await runFfmpeg(bytes, format === 'amr' ? 'amr' : 'ogg', signal);
    if (samples !== undefined) return { name: 'voice.wav', bytes: writeWave(samples, ffmpegSampleRate) };
  }
  return { name: `voice.${endings[format]}`, bytes };
}

import { spawn } from 'node:child_process';

const timeoutMs = 15_000;
const maxSeconds = 300;
export const ffmpegSampleRate = 16_000;
const maxOutputBytes = 2 * ffmpegSampleRate * maxSeconds;

/**
 * Decodes a recording by the machine's ffmpeg into samples of 16 bits at 16 kHz; undefined where there is none, or it
 * can't. It is told the format and may read nothing but its input: a recording is not to name other files.
 */
export function runFfmpeg(
  bytes: Uint8Array,
  format: 'amr' | 'ogg',
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const input = ['-protocol_whitelist', 'pipe', '-f', format, '-i', 'pipe:0'];
  const output = ['-t', String(maxSeconds), '-ac', '1', '-ar', String(ffmpegSampleRate), '-f', 's16le', 'pipe:1'];
  return new Promise((resolve) => {
    const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'quiet', ...input, ...output], {
      stdio: ['pipe', 'pipe', 'ignore'],
      signal,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const chunks: Buffer[] = [];
    let length = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxOutputBytes) child.kill('SIGKILL');
      else chunks.push(chunk);
    });
    child.on('error', () => resolve(undefined)); // there is none
    child.on('close', (code) => resolve(code === 0 && length > 0 ? Buffer.concat(chunks) : undefined));
    child.stdin.on('error', () => {}); // it may end before it has read all
    child.stdin.end(bytes);
  });
}

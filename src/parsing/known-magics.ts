/** Files that are not learned, by the bytes that they begin with. */
export function findMagic(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 300)).toString('latin1');
  const found = MAGICS.find(([magic, , at = 0]) => head.startsWith(magic, at));
  if (found?.[0] !== 'RIFF') return found?.[1];
  return { WEBP: 'a WebP picture', WAVE: 'a sound file', 'AVI ': 'a video' }[head.slice(8, 12)] ?? found[1];
}

/** The bytes, what they mean, and where they stand. */
const MAGICS: readonly (readonly [string, string, number?])[] = [
  ['{\\rtf', 'an RTF document'],
  ['\x89PNG', 'a PNG picture'],
  ['\xff\xd8\xff', 'a JPEG picture'],
  ['GIF8', 'a GIF picture'],
  ['II*\0', 'a TIFF picture'],
  ['MM\0*', 'a TIFF picture'],
  ['\0\0\x01\0', 'an icon'],
  ['8BPS', 'a Photoshop picture'],
  ['RIFF', 'a media file'],
  ['ftyp', 'a video or sound file', 4],
  ['ID3', 'a sound file'],
  ['\xff\xfb', 'a sound file'],
  ['OggS', 'a sound file'],
  ['fLaC', 'a sound file'],
  ['#!AMR', 'a sound file'],
  ['#!SILK', 'a sound file'],
  ['\x02#!SILK', 'a sound file'],
  ['\x1aE\xdf\xa3', 'a video'],
  ['FLV\x01', 'a video'],
  ['\x30\x26\xb2\x75', 'a video or sound file'],
  ['\x1f\x8b\x08', 'a gzip archive'],
  ['7z\xbc\xaf\x27\x1c', 'a 7z archive'],
  ['Rar!\x1a\x07', 'a RAR archive'],
  ['\xfd7zXZ\0', 'an xz archive'],
  ['BZh', 'a bzip2 archive'],
  ['ustar', 'a tar archive', 257],
  ['\x7fELF', 'a program'],
  ['MZ', 'a program'],
  ['\xca\xfe\xba\xbe', 'a program'],
  ['\xcf\xfa\xed\xfe', 'a program'],
  ['\0asm', 'a program'],
  ['SQLite format 3\0', 'a database'],
  ['%!PS', 'a PostScript document'],
  ['AT&TFORM', 'a DjVu document'],
  ['\xdb\xa5', 'a document of Word 2 or older'],
];

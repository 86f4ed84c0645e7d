/** What a Content-Disposition says that the file is called. */

const maxHeaderChars = 2048;
const maxNameChars = 100;

/** Shows nothing, turns the direction, or leads elsewhere. */
const unwanted = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}<>:"|?*]/gu;

/** The name of a file; empty: it has none. `filename*` counts more than `filename`, which object storage form-encodes. */
export function readFileName(disposition: string): string {
  const header = disposition.slice(0, maxHeaderChars);
  const extended = /filename\*\s{0,9}=\s{0,9}"?(?:utf-8'[^']{0,20}')([^;"\s]{1,1500})/i.exec(header)?.[1];
  const plain = /filename\s{0,9}=\s{0,9}(?:"([^"]{1,1500})"|([^;\s]{1,1500}))/i.exec(header);
  const name = decode(extended) ?? decodeForm(plain?.[1] ?? plain?.[2]) ?? '';
  return tidyName(name);
}

/** A name without folders and without what nobody sees; a long one keeps its ending. */
function tidyName(name: string): string {
  const last = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
  const shown = [...last.toWellFormed().replace(unwanted, '').trim()];
  if (shown.length <= maxNameChars) return shown.join('').replace(/^\.{1,100}/, '');
  const ending = /\.[a-z0-9]{1,8}$/i.exec(last)?.[0] ?? '';
  return shown.slice(0, maxNameChars - ending.length).join('') + ending;
}

function decodeForm(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  // Headers are read as latin1; what is not ASCII in them was meant as UTF-8.
  const utf8 = Buffer.from(text, 'latin1').toString();
  return utf8.includes('%') ? (decode(utf8.replaceAll('+', ' ')) ?? utf8) : utf8.replaceAll('+', ' ');
}

function decode(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

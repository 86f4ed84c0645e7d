/** HTML in answers. WeCom shows tags as they are written; of the usual ones only what they hold is left. */

/** Tags that say how something looks. All others are left alone: `List<String>` and `<your name>` are no HTML. */
const known = new Set(
  [
    'a abbr b big blockquote br center code dd del details div dl dt em font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark',
    'ol p pre q s small span strike strong sub summary sup table tbody td tfoot th thead tr u ul',
  ].flatMap((names) => names.split(' ')),
);

/** Tags before which a new line begins. */
const onOwnLine = new Set('blockquote br dd div dl dt h1 h2 h3 h4 h5 h6 hr ol p pre summary table tr ul'.split(' '));

export interface Tag {
  name: string;
  isEnd: boolean;
  attributes: string;
}

/** No `<` is passed over, so that all of a text is read in one go. */
const tag = /<(\/?)([a-z][a-z0-9]*|[A-Z]{2,}[0-9]?)((?:\s[^<>]*)?)\/?>/;

const wholeTag = new RegExp(`^${tag.source}$`);

/** Reads a text that is one tag; undefined: it is none, or none of those above. */
export function readTag(text: string): Tag | undefined {
  const match = wholeTag.exec(text);
  return match ? toTag(match) : undefined;
}

function toTag([, slash, name, attributes]: RegExpExecArray | string[]): Tag | undefined {
  const lower = name!.toLowerCase();
  return known.has(lower) ? { name: lower, isEnd: slash === '/', attributes: attributes ?? '' } : undefined;
}

/** The https address in an attribute; undefined: there is none that can stand in a link. */
export function addressIn({ attributes }: Tag, attribute: 'href' | 'src'): string | undefined {
  const value = attributeOf(attributes, attribute);
  return value !== undefined && isAddress(value) ? value : undefined;
}

export function attributeOf(attributes: string, attribute: string): string | undefined {
  return new RegExp(`\\s${attribute}=(?:"([^"]*)"|'([^']*)')`, 'i').exec(attributes)?.slice(1).find(Boolean);
}

/** Whether an address can stand in the brackets of a link as it is. */
export const isAddress = (text: string) => /^https?:\/\/[^\s()<>\\|`]+$/.test(text);

/** A block of HTML as text; `newline` begins a line where it stands. */
export function textOfHtml(html: string, newline: string): string {
  const bare = withoutComments(html).replace(new RegExp(tag.source, 'g'), (whole, ...groups: string[]) => {
    const read = toTag([whole, ...groups.slice(0, 3)]);
    if (read === undefined) return whole;
    if (read.name === 'li') return read.isEnd ? '' : `${newline}- `;
    if (read.name === 'td' || read.name === 'th') return read.isEnd ? ' ' : '';
    return onOwnLine.has(read.name) ? newline : '';
  });
  return bare === html ? html : bare.split('\n').map(withoutLastSpaces).join('\n');
}

/** By hand: an expression would look at each space of a line again and again. */
function withoutLastSpaces(line: string): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--;
  return line.slice(0, end);
}

function withoutComments(html: string): string {
  let result = '';
  let at = 0;
  for (let start = html.indexOf('<!--'); start !== -1; start = html.indexOf('<!--', at)) {
    const end = html.indexOf('-->', start);
    if (end === -1) break;
    result += html.slice(at, start);
    at = end + 3;
  }
  return result + html.slice(at);
}

/** Prints what a bot says as WeCom shows it, in lines. */

/** What must not reach a terminal: all signs of control but the tab and the end of a line. */
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

export interface Printer {
  /** Shows all of a text so far: what is new of it, or, where it is another one, the whole of it in new lines. */
  grow(text: string): void;
  /** Ends the text. */
  end(): void;
  /** Prints lines of their own. */
  line(text: string): void;
}

export function createPrinter(write: (text: string) => void): Printer {
  let shown = '';
  const printer: Printer = {
    grow(given) {
      const text = given.replace(controls, '');
      if (text === shown) return;
      if (text.startsWith(shown)) write(text.slice(shown.length));
      else write(`${shown.endsWith('\n') ? '' : '\n'}${text}`);
      shown = text;
    },
    end() {
      if (shown !== '' && !shown.endsWith('\n')) write('\n');
      shown = '';
    },
    line(text) {
      printer.end();
      write(`${text.replace(controls, '')}\n`);
    },
  };
  return printer;
}

type Json = Record<string, unknown>;

/** A template card in lines: its texts, its facts as `name: value`, and its buttons with what a click of each says. */
export function showCard(card: Json): string {
  const title = toObject(card.main_title);
  const quote = toObject(card.quote_area);
  const emphasis = toObject(card.emphasis_content);
  const submit = toObject(card.submit_button);
  const lines = [
    join([title.title, title.desc]),
    join([emphasis.title, emphasis.desc]),
    join([card.sub_title_text]),
    join([quote.title, quote.quote_text]),
    ...toList(card.horizontal_content_list).map((each) => join([each.keyname, each.value], ': ')),
    ...toList(card.vertical_content_list).map((each) => join([each.title, each.desc], ': ')),
    ...toList(toObject(card.checkbox).option_list).map((each) => `( ) ${join([each.text])}`),
    ...toList(card.select_list).flatMap((list) => [
      join([list.title]),
      ...toList(list.option_list).map((each) => `( ) ${join([each.text])}`),
    ]),
    ...[...toList(card.button_list), ...(submit.text === undefined ? [] : [submit])].map(
      (each) => `[${join([each.text])}] ${join([each.url ?? each.key])}`,
    ),
    ...toList(card.jump_list).map((each) => `→ ${join([each.title, each.question ?? each.url], ' ')}`),
  ];
  const said = lines.filter((line) => line.trim() !== '').map((line) => `│ ${line.replaceAll('\n', '\n│ ')}`);
  return [`┌ ${String(card.card_type ?? 'card')}`, ...said, '└'].join('\n');
}

function join(texts: readonly unknown[], between = '  '): string {
  return texts.filter((text) => typeof text === 'string' && text !== '').join(between);
}

function toObject(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function toList(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(toObject) : [];
}

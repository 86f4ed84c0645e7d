import { ulid } from 'ulid';
import type { Integration } from '../integration/store.ts';
import { textOf } from '../texts.ts';

/** What WeCom shows of a card, in characters. */
const maxTitleCharacters = 26;
const maxTextCharacters = 112;
const maxButtonCharacters = 10;

/** The key of the button: a click on any other is none of ours. */
export const newSessionKey = 'new-session';

/** Unique for each card of a bot: WeCom refuses one that was used before. */
export const newTaskId = (id: string = ulid()) => `${newSessionKey}-${id}`;

/** Whether an id is one that we have given to a card. */
export const isTaskId = (text: string) => /^new-session-[0-9A-Z]{26}$/.test(text);

/** Whether a text can stand on a card whole. */
export const fitsCard = (text: string) => [...text].length <= maxTextCharacters;

/** A card with a button that begins a new session. */
export function newSessionCard(
  bot: Pick<Integration, 'language' | 'texts'>,
  { taskId, title, text }: { taskId: string; title: string; text?: string },
): object {
  return {
    card_type: 'button_interaction',
    task_id: taskId,
    main_title: { title: cut(title, maxTitleCharacters) },
    ...(text !== undefined && { sub_title_text: cut(text, maxTextCharacters) }),
    button_list: [{ text: cut(textOf(bot, 'newSessionButton'), maxButtonCharacters), style: 1, key: newSessionKey }],
  };
}

/** The same card after a click, with what is said to that. */
export function clickedCard(bot: Pick<Integration, 'language' | 'texts'>, taskId: string, said: string): object {
  const isShort = [...said].length <= maxTitleCharacters;
  return newSessionCard(
    bot,
    isShort ? { taskId, title: said } : { taskId, title: textOf(bot, 'newSessionButton'), text: said },
  );
}

const cut = (text: string, maxCharacters: number) => [...text].slice(0, maxCharacters).join('');

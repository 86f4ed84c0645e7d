/** What a user's words ask of the bot itself, and what is left of them as a question. */

/** The command for a new session, alone or before the first question of it. */
const newSession = /^(?:\/new|新会话)(?=$|[\s，,。.:：!！])[\s，,。.:：!！]*/i;

/**
 * A mention before a command, by a name that is not known: of one word, or of two before `/new`, which nobody writes by
 * chance. More may be a question.
 */
const unknownMention =
  /^[@＠][^\s@＠]{1,32}\s+(?:(?=(?:\/new|新会话)(?:$|[\s，,。.:：!！]))|[^\s@＠]{1,32}\s+(?=\/new(?:$|[\s，,。.:：!！])))/i;

export interface Said {
  startsSession: boolean;
  /** Without the mention and the command; may be empty. */
  question: string;
}

/**
 * Reads a message. In a group the bot's name stands in it, as everybody sees it: it is taken out wherever it stands, with
 * `@` or `＠` before it. While the name is not known, only what leads up to a command is: a name may hold spaces.
 */
export function readWords(words: string, { botName, isGroup }: { botName: string; isGroup: boolean }): Said {
  const own = isGroup ? withoutMention(words, botName) : words.trim();
  const command = newSession.exec(own);
  return { startsSession: command !== null, question: own.slice(command?.[0].length ?? 0).trim() };
}

function withoutMention(words: string, botName: string): string {
  if (botName === '') return words.trim().replace(unknownMention, '');
  const name = botName.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  // What follows must end the name: another's may begin with it.
  return words.replace(new RegExp(`\\s?[@＠]${name}(?=$|[\\s\\p{P}])\\s*`, 'gu'), ' ').trim();
}

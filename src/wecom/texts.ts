/** What the service says by itself to users of WeCom, in Chinese or English. A bot may replace each (docs/wecom.md). */
import type { Config } from '../config.ts';
import type { Integration, Language } from './integration/store.ts';

const texts = {
  zh: {
    /** Until there is something of the answer to show. */
    thinking: '正在思考…',
    /** To whoever opens the chat. */
    welcome: '你好，我是智能助手，有问题可以直接问我。发送 /new 可以开始新的会话。',
    /** After /new alone. */
    newSession: '已开始新的会话，请继续提问。',
    /** The bot has no assistant. */
    unbound: '这个机器人还没有绑定助手（未绑定触发器），请联系管理员。',
    /** The message could not be stored. */
    sendAgain: '抱歉，刚才没有收到，请再发一次。',
    /** The answer took longer than WeCom keeps a stream open. */
    continued: '内容较长，稍后继续发送。',
    /** A picture, and nobody who sees it. */
    imageUnsupported: '抱歉，暂时还看不懂图片，请用文字描述。',
    /** A film. */
    videoUnsupported: '抱歉，暂时不支持视频，请用文字描述。',
    /** A file that could not be read. */
    fileUnreadable: '抱歉，这个文件无法读取，请换一种格式或用文字描述。',
    /** What it is about, asked of whoever sent a file without a word. */
    fileRead: '文件已经读取，你想了解什么？',
    /** Below an answer to a message with a picture that nobody looked at. */
    pictureUnseen: '（没有查看图片，以上只回答了文字部分。）',
    /** The same of a file that could not be read. */
    fileUnread: '（附带的文件无法读取，以上只回答了文字部分。）',
    /** Nothing was said, or nothing that could be understood. */
    noWords: '没有收到文字内容，请用文字输入你的问题。',
    /** A kind of message that we don't know. */
    typeUnsupported: '抱歉，暂时不支持这种消息，请用文字描述。',
    /** Who may not ask. */
    notAllowed: '抱歉，你没有使用这个机器人的权限，请联系管理员。',
    /** No more of an answer can be sent. */
    shortened: '（内容过长，以上只是其中一部分，可以就某一点继续提问。）',
    /** Nothing that was found supports an answer. */
    refusal: '抱歉，没有找到相关内容，换个说法再问问看？',
    /** Nothing has been learned yet. */
    stillLearning: '我还在学习资料，请稍后再来提问。',
    /** A recording, and nobody who hears it. */
    voiceUnsupported: '抱歉，暂时听不了语音，请用文字提问。',
    /** Answering failed again and again. */
    failed: '抱歉，刚才没能回答这个问题，请稍后再试一次。',
    /** A question or an answer that the safety checks withhold. */
    blocked: '抱歉，这个问题不便回答。',
    /** Below an answer that a machine has worded. */
    label: '（以上内容由 AI 生成）',
    /** Before the sources. */
    sources: '来源：',
    /** Title of the card that welcomes. */
    welcomeTitle: '欢迎',
    /** Title of the card below an answer that failed. */
    startOver: '要换个话题吗？',
    /** The button of cards, up to ten characters. */
    newSessionButton: '开始新会话',
  },
  en: {
    thinking: 'Thinking…',
    welcome: 'Hello, I am the assistant. Ask me anything. Send /new to begin a new session.',
    newSession: 'A new session has begun. Go on asking.',
    unbound: 'This bot is not bound to an assistant (it has no trigger). Please tell its administrator.',
    sendAgain: 'Sorry, that did not arrive. Please send it again.',
    continued: 'There is more to come.',
    imageUnsupported: 'Sorry, I can not see pictures yet. Please describe it in words.',
    videoUnsupported: 'Sorry, I can not watch videos. Please describe it in words.',
    fileUnreadable: 'Sorry, I could not read this file. Please send another format, or describe it in words.',
    fileRead: 'I have read the file. What would you like to know?',
    pictureUnseen: '(I have not looked at the picture; this answers your words alone.)',
    fileUnread: '(I could not read the file that came with it; this answers your words alone.)',
    noWords: 'There were no words in that. Please type your question.',
    typeUnsupported: 'Sorry, I can not read this kind of message yet. Please describe it in words.',
    notAllowed: 'Sorry, you may not use this bot. Please ask its administrator.',
    shortened: '(This is only a part: the whole is too long. Ask on about what you need.)',
    refusal: 'Sorry, I found nothing about this. Could you put it another way?',
    stillLearning: 'I am still learning. Please ask again in a little while.',
    voiceUnsupported: 'Sorry, I can not listen to recordings yet. Please type your question.',
    failed: 'Sorry, I could not answer just now. Please try again later.',
    blocked: 'Sorry, I can not answer this question.',
    label: '(Written by AI)',
    sources: 'Sources:',
    welcomeTitle: 'Welcome',
    startOver: 'Another subject?',
    newSessionButton: 'New chat',
  },
} as const satisfies Record<Language, Record<string, string>>;

export type TextName = keyof (typeof texts)['zh'];

/** The names by which a bot may replace texts: in snake_case, as all names in the contract. */
export const textNames = Object.keys(texts.zh).map(toSnake) as readonly string[];

/** The texts for which the operator of the service may have words of their own. */
const ofOperators = {
  refusal: 'TEXT_REFUSAL',
  stillLearning: 'TEXT_STILL_LEARNING',
  voiceUnsupported: 'TEXT_VOICE_UNSUPPORTED',
  failed: 'TEXT_FAILED',
  blocked: 'TEXT_BLOCKED',
  label: 'TEXT_LABEL',
} as const satisfies Partial<Record<TextName, keyof Config>>;

type OfOperators = Partial<Pick<Config, (typeof ofOperators)[keyof typeof ofOperators]>>;

/** A text as a bot says it: in its own words, else in the operator's where they are given, else in ours. */
export function textOf(
  { language, texts: own }: Pick<Integration, 'language' | 'texts'>,
  name: TextName,
  config: OfOperators = {},
): string {
  const setting = (ofOperators as Partial<Record<TextName, keyof OfOperators>>)[name];
  return own[toSnake(name)] ?? (setting && config[setting]) ?? texts[language][name];
}

function toSnake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

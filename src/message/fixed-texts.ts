import type { Config } from '../config.ts';

/** What users are told when there is no answer. Chinese unless set otherwise; each can be set by itself. */
export interface FixedTexts {
  /** Nothing that was found supports an answer. */
  refusal: string;
  /** Nothing has been learned yet. */
  stillLearning: string;
  /** A voice message can't be heard here. */
  voiceUnsupported: string;
  /** Answering failed again and again. */
  failed: string;
  /** A question or an answer that the safety checks withhold. */
  blocked: string;
  /** Many of the user's questions wait for an answer. */
  pleaseWait: string;
  /** Below an answer that a machine has worded. */
  label: string;
  /** Before the sources, where they are part of the text. */
  sources: string;
  /** Where in a file a source stands. */
  onPages(pages: readonly number[]): string;
  underHeadings(headings: readonly string[]): string;
}

export function createFixedTexts(config: Config): FixedTexts {
  const standard = standardTexts(config.TEXT_LANGUAGE);
  return {
    refusal: config.TEXT_REFUSAL ?? standard.refusal,
    stillLearning: config.TEXT_STILL_LEARNING ?? standard.stillLearning,
    voiceUnsupported: config.TEXT_VOICE_UNSUPPORTED ?? standard.voiceUnsupported,
    failed: config.TEXT_FAILED ?? standard.failed,
    blocked: config.TEXT_BLOCKED ?? standard.blocked,
    pleaseWait: config.TEXT_PLEASE_WAIT ?? standard.pleaseWait,
    label: config.TEXT_LABEL ?? standard.label,
    sources: standard.sources,
    onPages: standard.onPages,
    underHeadings: standard.underHeadings,
  };
}

/** The texts of a language, as they are unless set otherwise. */
export const standardTexts = (language: 'zh' | 'en'): FixedTexts => (language === 'en' ? english : chinese);

const chinese: FixedTexts = {
  refusal: '抱歉，在本公众号的文章里没有找到相关内容，换个说法再问问看？',
  stillLearning: '我正在学习本公众号的文章，请稍后再来提问。',
  voiceUnsupported: '暂时还听不了语音，请用文字告诉我您的问题。',
  failed: '抱歉，刚才没能回答您的问题，请稍后再试一次。',
  blocked: '抱歉，这个问题我不便回答。',
  pleaseWait: '您的问题都收到了，正在一个一个回答，请稍等。',
  label: '（以上内容由 AI 生成）',
  sources: '来源：',
  onPages: (pages) => `第 ${pages.join('、')} 页`,
  underHeadings: (headings) => headings.map((heading) => `“${heading}”`).join('、'),
};

const english: FixedTexts = {
  refusal: "Sorry, I found nothing about this in the account's articles. Could you put it another way?",
  stillLearning: "I am still learning this account's articles. Please ask again in a little while.",
  voiceUnsupported: "I can't listen to voice messages yet. Please type your question.",
  failed: "Sorry, I couldn't answer your question just now. Please try again later.",
  blocked: "Sorry, I can't answer this question.",
  pleaseWait: 'All your questions have arrived and are being answered one by one. Please wait a moment.',
  label: '(Written by AI)',
  sources: 'Sources:',
  onPages: (pages) => ` p. ${pages.join(', ')}`,
  underHeadings: (headings) => ` “${headings.join('”, “')}”`,
};

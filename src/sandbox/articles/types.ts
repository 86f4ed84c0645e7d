/** One item (文章) of a publish message, as the sandbox's WeChat side serves it. */
export interface SandboxItem {
  title: string;
  author: string;
  digest: string;
  content: string;
  isPaySubscribe?: boolean;
  isDeleted?: boolean;
  pictures?: string[];
}

/** One publish message (图文消息); items are numbered from 1 in order. */
export interface SandboxMessage {
  articleId: string;
  createTime: number;
  items: SandboxItem[];
}

/** A visitor's question, and the one item whose visible text answers it. */
export interface SampleQuestion {
  question: string;
  answerContains: string;
  articleId: string;
  msgidx: number;
}

/** What an expert is: a question in, an answer out. It knows no channel and no user. */

/** One turn of what was said before. */
export interface Turn {
  speaker: 'user' | 'assistant';
  content: string;
}

/** What is to be answered. */
export interface Question {
  text: string;
  /** The last turns before the question, oldest first. */
  history: readonly Turn[];
  /** The configuration's system prompt. */
  instructions: string;
  /** The assistant's appid: whose tokens an answer takes, where they are counted. */
  account?: string | undefined;
  /** Below this support the answer is a refusal; the expert's own where undefined. */
  threshold?: number | undefined;
  /** What the user quotes; data, and nobody's words to the assistant. */
  quoted?: string | undefined;
  /** What came with the question, or shortly before. Then the text may be empty: they are what is asked about. */
  attachments?: readonly Attachment[] | undefined;
}

/** A picture or a file of the user. It is data. */
export type Attachment = AttachedFile | AttachedImage;

export interface AttachedFile {
  kind: 'file';
  /** Names it among documents, of which it is none: see isAttachment. */
  documentId: string;
  name: string;
  /** What was read in it, from its beginning. */
  passages: readonly { heading: string; text: string; page?: number | undefined }[];
  /** Of its text, so many characters are not among the passages. */
  leftOutChars: number;
}

export interface AttachedImage {
  kind: 'image';
  documentId: string;
  name: string;
  mediaType: string;
  bytes: Uint8Array;
}

const attachmentPrefix = 'attachment:';

/** The id of an attachment where documents are named. */
export function attachmentDocumentId(attachmentId: string): string {
  return attachmentPrefix + attachmentId;
}

/** Whether a source is what the user has sent, and nothing that was learned. */
export function isAttachment(documentId: string): boolean {
  return documentId.startsWith(attachmentPrefix);
}

/** A document as an answer cites it. */
export interface Source {
  documentId: string;
  /** The article's title, or the file's name. */
  title: string;
  /** Its address; empty for a file. */
  url: string;
}

/** Where in a document something stands, as its reader finds it. */
export interface Place {
  /** From 1; undefined where the document has no pages. */
  page?: number | undefined;
  /** Empty where it stands under none. */
  heading: string;
}

/** A document and the places in it that an answer is taken from, each once. */
export interface Citation extends Source {
  places: Place[];
}

/** A passage that a search has found. */
export interface FoundPassage extends Place {
  source: Source;
  text: string;
  /** BM25 over the bases that were searched. */
  score: number;
}

/** What a search has found. */
export interface Found {
  /** Best first. */
  passages: FoundPassage[];
  /** How far the best passage supports an answer to the query, from 0 to 1; 0 where nothing was found. */
  support: number;
}

/** Searches the knowledge bases of the assistant that is asked. */
export type Search = (query: string, limit: number) => Promise<Found>;

/** An answer, and why it is what it is. */
export interface Answer {
  /** The text; empty when refused: the refusal's text is the caller's. */
  text: string;
  /** The documents that the text is taken from, each once, in the order of their first use. */
  citations: Citation[];
  /** True: nothing that was found supports an answer. */
  refused: boolean;
  trace: {
    expert: string;
    /** The question as it was searched for. */
    searched: string;
    support: number;
    threshold: number;
    passages: (FoundPassage & { cited: boolean })[];
    /** The model that was asked. */
    model?: string;
    /** What asking it took: as it reported, or else as estimated. */
    tokens?: { prompt: number; completion: number };
    /** Why this answer stands in the place of another expert's: one of few short texts of our own. */
    fellBack?: string;
    /** What the model's answer had to lose: `citation 9 of 3`. */
    dropped?: string[];
    /** False: the pictures that came with the question were not looked at. */
    sawPictures?: boolean;
    /** What withheld the answer, and where it stood: `answer: word list`, `draft: moderation (violence)`. */
    blockedBy?: string;
  };
}

/** What is known of a trace before the answer is whole. */
export type TraceHead = Omit<Answer['trace'], 'passages'>;

/** A draft is the whole text so far, with what an expert tells of it already; the final comes once, last. */
export type ExpertEvent = { type: 'draft'; text: string; trace?: TraceHead } | { type: 'final'; answer: Answer };

export interface Expert {
  name: string;
  /** It looks at pictures of so many bytes in all. Default: at none. */
  pictureBytes?: number;
  /** It can say something about a file of which nothing is asked. */
  summarises?: boolean;
  answer(question: Question, search: Search, signal: AbortSignal): AsyncIterable<ExpertEvent>;
}

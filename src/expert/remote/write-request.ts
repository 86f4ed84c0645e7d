import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type AttachmentSchema, type RunRequest, RunRequestSchema } from '../../../gen/expert/v1/expert_pb.ts';
import type { Attachment, Question } from '../expert.ts';
import type { Searched } from '../search-for.ts';

/** All together stays well below 4 MiB, which is what gRPC servers take unless told otherwise. */
const maxTurns = 50;
const maxTextChars = 10_000;
const maxInstructionsChars = 20_000;
const maxTitleChars = 500;
const maxQuotedChars = 2000;
const maxFileChars = 20_000;
const maxUrlChars = 2048;

/** The question as an engine is asked it. */
export function writeRequest(
  { account = '', text, history, instructions, quoted = '', attachments = [] }: Question,
  { searched, found }: Searched,
  threshold: number,
): RunRequest {
  return create(RunRequestSchema, {
    appid: cut(account, maxTitleChars),
    question: cut(text, maxTextChars),
    history: history.slice(-maxTurns).map(({ speaker, content }) => ({ speaker, content: cut(content, maxTextChars) })),
    instructions: cut(instructions, maxInstructionsChars),
    searched: cut(searched, maxTextChars),
    passages: found.passages.map(({ source, page, heading, text, score }) => ({
      documentId: cut(source.documentId, maxTitleChars),
      title: cut(source.title, maxTitleChars),
      url: cut(source.url, maxUrlChars),
      page: page ?? 0,
      heading: cut(heading, maxTitleChars),
      text: cut(text, maxTextChars),
      score,
    })),
    support: found.support,
    threshold,
    quoted: cut(quoted, maxQuotedChars),
    attachments: attachments.map(writeAttachment),
  });
}

function writeAttachment(attachment: Attachment): MessageInitShape<typeof AttachmentSchema> {
  const name = cut(attachment.name, maxTitleChars);
  if (attachment.kind === 'image') {
    const { mediaType, bytes: data } = attachment;
    return { name, content: { case: 'picture', value: { mediaType, data: new Uint8Array(data) } } };
  }
  const text = attachment.passages.map((each) => each.text).join('\n');
  const leftOutChars = attachment.leftOutChars + Math.max(0, text.length - maxFileChars);
  return { name, content: { case: 'file', value: { text: cut(text, maxFileChars), leftOutChars } } };
}

/** Without half a character at the end. */
function cut(text: string, maxChars: number): string {
  return text.slice(0, maxChars).replace(/[\ud800-\udbff]$/, '');
}

/** Every call that we serve over JSON, in an order in which each finds what it needs. */

/** Path below /api/wxmp/, what it is an example of, body, and what else there is to it. */
export type Case = [path: string, says: string, body: unknown, more?: More];

export interface More {
  /** A field of the answer, its first of that name, that later requests name as `<field>`. */
  keeps?: string;
  /** What has to have happened before: the account has learned, its events are handled, an answer is delivered. */
  after?: 'learned' | 'updated' | { answered: string };
}

const appid = 'wx_golden';
const nobody = 'wx_nobody';

const assistants: Case[] = [
  [
    'assistant/create',
    "the seed's example",
    { appid, name: '海洋馆助手', description: '回答关于海洋馆的问题', system_promot: '依据文章回答。' },
  ],
  [
    'assistant/create',
    'an account that has an assistant: no error; the other spelling and unknown keys are taken',
    { appid, name: '助手', system_prompt: '简短回答。', scene: { of: ['a', 'newer', 'version'] } },
    { after: 'learned' },
  ],
  ['assistant/create', 'without a name: 40001', { appid: 'wx_nameless', name: '' }],
  ['assistant/create', 'a number where the seed has a string: 40002', { appid: 12345, name: '助手' }],
  ['assistant/detail', "the seed's example; what is empty is written out", { appid }],
  [
    'assistant/update',
    "the seed's example",
    { appid, name: '新助手', description: '新的描述', system_promot: '新的提示词' },
  ],
  [
    'assistant/update',
    'the draft alone, with consent',
    { appid, name: '草稿', description: '', system_promot: '草稿提示词', is_allow_pm_data: 1, version: 1 },
  ],
  ['assistant/update', 'a version that there is not: 40001', { appid, name: '草稿', version: 2 }],
  ['assistant/update', 'no such assistant: 40401', { appid: nobody, name: '助手' }],
  ['assistant/detail', 'the draft', { appid, view: 2 }],
  ['assistant/detail', 'no such assistant: 40401', { appid: nobody }],
];

const knowledge: Case[] = [
  ['knowledge/create', "the seed's example", { appid, name: '导览手册' }, { keeps: 'knowledge_id' }],
  ['knowledge/create', 'a name of 129 characters: 40001', { appid, name: '长'.repeat(129) }],
  ['knowledge/create', 'no such assistant: 40401', { appid: nobody, name: '导览手册' }],
  ['knowledge/update', "the seed's example", { appid, knowledge_id: '<knowledge_id>', name: '新导览手册' }],
  ['knowledge/update', 'no such knowledge base: 40401', { appid, knowledge_id: 'kb_none', name: '导览手册' }],
  [
    'assistant/update',
    'the knowledge bases of the draft are set',
    { appid, name: '草稿', version: 1, custom_knowledge_ids: ['<knowledge_id>'] },
  ],
  [
    'assistant/update',
    "a knowledge base that is not the account's: 40401",
    { appid, name: '草稿', version: 1, custom_knowledge_ids: ['kb_none'] },
  ],
  ['assistant/publish', 'draft to online', { appid }],
  ['assistant/publish', 'no such assistant: 40401', { appid: nobody }],
  ['assistant/revert', 'online to draft; the prompt is spelled correctly here', { appid }],
  ['assistant/revert', 'no such assistant: 40401', { appid: nobody }],
  ['assistant/detail', 'with a file knowledge base', { appid }],
  ['assistant/expert/get', 'what a new assistant has', { appid }],
  [
    'assistant/expert/set',
    'a remote engine for the draft, with a threshold of its own',
    { appid, version: 1, expert: { kind: 3, address: 'http://10.0.0.5:50051', timeout_ms: 5000, threshold: 0.25 } },
  ],
  ['assistant/expert/get', 'the draft', { appid, view: 2 }],
  ['assistant/expert/set', 'a remote engine without an address: 40001', { appid, expert: { kind: 3 } }],
  [
    'assistant/expert/set',
    'an address with a path: 40001',
    { appid, expert: { kind: 3, address: 'https://engine.internal/run' } },
  ],
  [
    'assistant/expert/set',
    'an address that reads as another: 40001',
    { appid, expert: { kind: 3, address: 'http://engine.internal\\x:1' } },
  ],
  [
    'assistant/expert/set',
    'an address with a port that there is not: 40001',
    { appid, expert: { kind: 3, address: 'https://engine.internal:70000' } },
  ],
  ['assistant/expert/set', 'a model where none is set: 40001', { appid, expert: { kind: 2 } }],
  ['assistant/expert/set', 'no such assistant: 40401', { appid: nobody, expert: { kind: 1 } }],
  ['assistant/expert/get', 'no such assistant: 40401', { appid: nobody }],
  ['assistant/expert/set', 'as the installation is set, for draft and online', { appid, expert: { kind: 0 } }],
  ['assistant/list', 'a page', { page_size: 10 }],
  ['assistant/list', 'a page_token that is none: 40001', { page_size: 0, page_token: 'nonsense' }],
  [
    'knowledge/file/detail',
    "the seed's example; what does not exist is left out",
    { appid, knowledge_id: '<knowledge_id>', file_ids: ['fileid1', 'fileid2'] },
  ],
  [
    'knowledge/file/detail',
    'without knowledge_id: articles, msgidx 0 for all items',
    { appid, articles: [{ article_id: 'a1', msgidx: 0 }, { article_id: 'a2', msgidx: 1 }, { article_id: 'none' }] },
  ],
  [
    'knowledge/file/detail',
    'more than ten ids: 40001',
    { appid, knowledge_id: '<knowledge_id>', file_ids: Array.from({ length: 11 }, (_, index) => `f${index}`) },
  ],
  ['knowledge/file/detail', 'no such knowledge base: 40401', { appid, knowledge_id: 'kb_none', file_ids: ['fileid1'] }],
  ['knowledge/document/list', 'the articles', { appid, page_size: 1 }, { keeps: 'document_id' }],
  ['knowledge/document/list', 'of a base', { appid, knowledge_id: '<knowledge_id>' }],
  ['knowledge/document/list', 'no such knowledge base: 40401', { appid, knowledge_id: 'kb_none' }],
  ['knowledge/passage/list', 'of a document', { appid, document_id: '<document_id>', page_size: 2 }],
  ['knowledge/passage/list', 'no such document: 40401', { appid, document_id: 'none' }],
];

const articles: Case[] = [
  [
    'article/event_notity',
    "the seed's example: wrapped in item, file_cos_id for file_id",
    {
      item: [
        {
          ...{ appid, event_type: 9, event_id: 'event-file', article_id: '', msgidx: 0, file_cos_id: 'fileid1' },
          ...{ file_cos_url: 'https://files.example.com/fileid1?sign=s', knowledge_id: '<knowledge_id>' },
        },
      ],
    },
  ],
  [
    'article/event_notity',
    "with the names of the seed's table",
    {
      ...{ appid, event_type: 9, event_id: 'event-file-2', file_id: 'fileid2', knowledge_id: '<knowledge_id>' },
      ...{ file_cos_url: 'https://files.example.com/fileid2?sign=s', file_name: 'filename.doc', file_type: 'DOC' },
    },
  ],
  [
    'article/event_notify',
    "flat, as in the seed's table, on the path that is spelled correctly",
    { appid, event_type: 5, event_id: 'event-article', article_id: 'a1', msgidx: 0 },
  ],
  [
    'article/event_notity',
    'the same event again: nothing is done twice',
    { appid, event_type: 5, event_id: 'event-article', article_id: 'a1', msgidx: 0 },
  ],
  [
    'article/event_notity',
    'the same event_id with another payload: 40901',
    { appid, event_type: 6, event_id: 'event-article', article_id: 'a1', msgidx: 0 },
  ],
  ['article/event_notity', 'without event_id: 40001', { appid, event_type: 4, article_id: 'a1', msgidx: 1 }],
  [
    'article/event_notity',
    'one bad of two items: 40001, and nothing is stored',
    {
      item: [
        { appid, event_type: 5, event_id: 'event-good', article_id: 'a2', msgidx: 1 },
        { appid, event_type: 5, event_id: 'event-bad' },
      ],
    },
  ],
  [
    'article/event_notity',
    'no such assistant: 40401',
    { appid: nobody, event_type: 4, event_id: 'event-nobody', article_id: 'a1', msgidx: 1 },
  ],
  ['article/sync', 'begins a comparison', { appid }, { after: 'updated' }],
  ['article/sync', 'no such assistant: 40401', { appid: nobody }],
  [
    'knowledge/file/detail',
    'files, as this version leaves them',
    { appid, knowledge_id: '<knowledge_id>', file_ids: ['fileid2', 'fileid1'] },
  ],
];

const question = { appid, openid: 'openid-golden', send_time: 1_672_448_400, msg_type: 'text' };

const asked = { actor: 'operator', reason: 'the user asked for it' };

const messages: Case[] = [
  [
    'message/notify',
    "the seed's example, with a text and a voice",
    {
      ...{ ...question, msgid: 'msg-1', text: { content: '火星上的天气怎么样？' }, is_debug: 0 },
      voice: { media_id: 'media-1', format: 4 },
    },
  ],
  [
    'message/notify',
    'the same message again, with another send_time: nothing is done twice',
    { ...question, msgid: 'msg-1', text: { content: '火星上的天气怎么样？' }, send_time: 1_672_448_460 },
  ],
  [
    'message/notify',
    'a voice message',
    { ...question, msgid: 'msg-2', msg_type: 'voice', voice: { media_id: 'media-2', format: 4 } },
    { after: { answered: 'msg-1' } },
  ],
  [
    'message/notify',
    'the same msgid with another text: 40901',
    { ...question, msgid: 'msg-1', text: { content: '成人票多少钱？' } },
  ],
  ['message/notify', 'a text message without a text: 40001', { ...question, msgid: 'msg-3' }],
  ['message/notify', 'a text that is no object: 40002', { ...question, msgid: 'msg-3', text: '成人票多少钱？' }],
  [
    'message/notify',
    'no such assistant: 40401',
    { ...question, appid: nobody, msgid: 'msg-3', text: { content: '成人票多少钱？' } },
  ],
  [
    'message/list',
    'a conversation, oldest first; a voice message that was not heard is empty',
    { appid, openid: 'openid-golden', is_debug: 0 },
    { after: { answered: 'msg-2' } },
  ],
  ['message/list', 'a conversation that there is not: an empty list', { appid, openid: 'openid-golden', is_debug: 1 }],
  ['message/list', 'without openid: 40001', { appid, is_debug: 1 }],
  [
    'message/ask',
    'lines; the answer is the last but one',
    { appid, content: '成人票多少钱？', view: 2, history: [{ speaker: 'user', content: '你好' }] },
  ],
  [
    'message/ask',
    'a speaker that there is not: 40001',
    { appid, content: '成人票多少钱？', history: [{ speaker: 'robot', content: '你好' }] },
  ],
  ['message/ask', 'no such assistant: 40401', { appid: nobody, content: '成人票多少钱？' }],
  ['message/explain', 'a question that was refused', { appid, msgid: 'msg-1' }],
  ['message/explain', 'a fixed text', { appid, msgid: 'msg-2', is_debug: 0 }],
  ['message/explain', 'no such message: 40401', { appid, msgid: 'msg-1', is_debug: 1 }],
  ['message/erase_user', 'a user with two questions', { appid, openid: 'openid-golden', ...asked }],
  ['message/erase_user', 'a user of whom nothing is known: zeros', { appid, openid: 'openid-golden', ...asked }],
  ['message/erase_user', 'without openid: 40001', { appid, ...asked }],
  ['message/erase_user', 'no such assistant: 40401', { appid: nobody, openid: 'openid-golden', ...asked }],
];

const endings: Case[] = [
  ['knowledge/delete', "the seed's example", { appid, knowledge_id: '<knowledge_id>' }],
  ['knowledge/delete', 'deleted before: no error', { appid, knowledge_id: '<knowledge_id>' }],
  ['knowledge/delete', 'no such knowledge base: 40401', { appid, knowledge_id: 'kb_none' }],
  ['assistant/delete', "the seed's example", { appid }],
  ['assistant/delete', 'deleted before: no error, the same status', { appid }],
  ['assistant/delete', 'no such assistant: 40401', { appid: nobody }],
  ['assistant/detail', 'after deletion: 40401', { appid }],
];

export const cases = [...assistants, ...knowledge, ...articles, ...messages, ...endings];

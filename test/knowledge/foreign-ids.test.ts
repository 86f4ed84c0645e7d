import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Accounts, startAccounts } from '../support/accounts.ts';
import { messageWith } from '../support/articles.ts';
import { dialects } from '../support/databases.ts';
import { type FileAccount, openFileAccount } from '../support/file-account.ts';
import { type FileHost, startFileHost } from '../support/file-host.ts';
import { finds } from '../support/search.ts';
import { until } from '../support/until.ts';

interface Owner extends FileAccount {
  /** The word of its file `same`, and of what it alone has. */
  word: string;
  /** Of its article `same`. */
  articleWord: string;
}

for (const { name: dialect } of dialects) {
  describe(`ids of another account, on ${dialect}`, () => {
    let accounts: Accounts;
    let host: FileHost;
    let mine: Owner;
    let theirs: Owner;
    before(async () => {
      host = await startFileHost();
      accounts = await startAccounts({ dialect });
      mine = await open('wx_mine', 'wordmine');
      theirs = await open('wx_theirs', 'wordtheirs');
    });
    after(async () => {
      await accounts?.stop();
      await host?.close();
    });

    /** Both have a file and an article of the same ids, from events of the same ids; each has one more of its own. */
    async function open(appid: string, word: string): Promise<Owner> {
      const articleWord = `${word}article`;
      const articles = [messageWith('same', articleWord), messageWith(`only-${appid}`, `${articleWord}only`)];
      await accounts.open(appid, articles);
      const account = await openFileAccount(accounts.service, host, appid);
      for (const [eventId, fileId] of [
        ['e1', 'same'],
        ['e2', `only-${appid}`],
      ] as const) {
        host.files.set(`/${appid}/${fileId}`, `${word} 是 ${fileId} 的记号。`);
        await account.send(9, fileId, { eventId, path: `/${appid}/${fileId}` });
        await until(`${fileId} is learned`, async () => (await account.stateOf(fileId)) === 5);
      }
      return { ...account, word, articleWord };
    }

    const documents = async ({ appid, call }: FileAccount, knowledge_id?: string) =>
      (await call('knowledge/document/list', { appid, knowledge_id })).documents as {
        document_id: string;
        file_rag_status: number;
      }[];

    /** All of theirs that a call of mine could have changed. */
    const stateOfTheirs = async () => [
      await theirs.call('assistant/detail', { appid: theirs.appid }),
      await documents(theirs, theirs.knowledgeId),
      await documents(theirs),
      await finds(accounts.service, theirs.appid, theirs.word),
      await finds(accounts.service, theirs.appid, theirs.articleWord),
    ];

    test('each call refuses another account’s base or document with 40401, and changes nothing', async () => {
      const before = await stateOfTheirs();
      const { appid } = mine;
      const knowledge_id = theirs.knowledgeId;
      const articleBase = (await theirs.call('assistant/detail', { appid: theirs.appid })).knowledges[0].knowledge_id;
      const file = { file_id: 'same', file_cos_url: `${host.url}/x`, file_name: 'x.txt', file_type: 'TXT' };
      const ids = [...(await documents(theirs, knowledge_id)), ...(await documents(theirs))];
      assert.equal(ids.length, 4);
      const calls: [string, object][] = [
        ['knowledge/update', { knowledge_id, name: '别名' }],
        ['knowledge/delete', { knowledge_id }],
        ['knowledge/file/detail', { knowledge_id, file_ids: ['same'] }],
        ['knowledge/document/list', { knowledge_id }],
        ['knowledge/document/list', { knowledge_id: articleBase }],
        ['assistant/update', { name: 'n', custom_knowledge_ids: [mine.knowledgeId, knowledge_id] }],
        ...ids.map(({ document_id }): [string, object] => ['knowledge/passage/list', { document_id }]),
        ...[9, 10, 11].map((event_type): [string, object] => [
          'article/event_notity',
          { event_type, event_id: `foreign-${event_type}`, knowledge_id, ...file },
        ]),
        ['article/event_notity', { event_type: 12, event_id: 'foreign-12', knowledge_id }],
        ['article/event_notity', { event_type: 12, event_id: 'foreign-13', knowledge_id: articleBase }],
        ['message/explain', { msgid: 'theirs-alone' }],
      ];
      await accounts.service.ask(theirs.appid, 'user', 'theirs-alone', theirs.word);
      for (const [path, body] of calls) {
        const answer = await mine.call(path, { appid, ...body });
        assert.equal(answer.errcode, 40401, `${path} ${JSON.stringify(body)}`);
        assert.doesNotMatch(JSON.stringify(answer), /wordtheirs/);
      }
      assert.deepEqual(await stateOfTheirs(), before);
    });

    test('an id that only another account has is one that is not there, and events about it are about nothing', async () => {
      const before = await stateOfTheirs();
      const { appid, knowledgeId: knowledge_id } = mine;
      const fileId = `only-${theirs.appid}`;
      assert.deepEqual(
        (await mine.call('knowledge/file/detail', { appid, knowledge_id, file_ids: [fileId] })).files,
        [],
      );
      const articles = [{ article_id: fileId, msgidx: 0 }];
      assert.deepEqual((await mine.call('knowledge/file/detail', { appid, articles })).files, []);
      await mine.send(10, fileId, { eventId: 'e3' });
      for (const event_type of [6, 7]) {
        const event = { appid, event_type, event_id: `e4-${event_type}`, article_id: fileId, msgidx: 0 };
        assert.equal((await mine.call('article/event_notity', event)).errcode, 0);
      }
      await until('it is handled', async () => (await mine.stateOf(fileId)) === 8);
      await until('the rest too', async () => {
        const { status } = await mine.call('assistant/detail', { appid });
        return status === 4;
      });
      assert.deepEqual(await stateOfTheirs(), before);
      const { messages } = await mine.call('message/list', { appid, openid: 'user' });
      assert.deepEqual(messages, []);
    });

    test('the same file_id, article_id, event_id, msgid and openid are another’s in each account', async () => {
      for (const [own, other] of [
        [mine, theirs],
        [theirs, mine],
      ] as const) {
        const { appid, word } = own;
        const learned = (await documents(own, own.knowledgeId)).filter(({ file_rag_status }) => file_rag_status === 5);
        assert.equal(learned.length, 2);
        for (const each of [word, own.articleWord]) {
          assert.equal(await finds(accounts.service, appid, each), true);
          assert.equal(await finds(accounts.service, other.appid, each), false);
        }
        const message = { appid, openid: 'one-user', msgid: 'one-msgid', msg_type: 'text', text: { content: word } };
        assert.equal((await own.call('message/notify', message)).errcode, 0);
        await until('it is answered', async () => {
          const { state, answer } = await own.call('message/explain', { appid, msgid: 'one-msgid' });
          return state === 2 && answer.includes(word);
        });
        const { messages } = await own.call('message/list', { appid, openid: 'one-user' });
        assert.deepEqual([messages.length, messages[0].text.content], [2, word]);
        const explained = await own.call('message/explain', { appid, msgid: 'one-msgid' });
        assert.doesNotMatch(JSON.stringify([messages, explained]), new RegExp(`${other.word}`));
      }
    });

    test('the page token of another account’s list shows nothing of it', async () => {
      const asked = { appid: theirs.appid, knowledge_id: theirs.knowledgeId, page_size: 1 };
      const { next_page_token: page_token } = await theirs.call('knowledge/document/list', asked);
      assert.notEqual(page_token, '');
      const own = { appid: mine.appid, knowledge_id: mine.knowledgeId };
      const listed = await mine.call('knowledge/document/list', { ...own, page_token });
      assert.doesNotMatch(JSON.stringify(listed), /theirs\.txt/);
      const all = await documents(mine, mine.knowledgeId);
      for (const { document_id } of listed.documents) assert.ok(all.some((each) => each.document_id === document_id));
    });

    test('what an account had before it was deleted and made anew is nothing to it', async () => {
      const again = await open('wx_again', 'wordagain');
      const { appid, knowledgeId: knowledge_id, call } = again;
      const [file] = await documents(again, knowledge_id);
      await accounts.service.ask(appid, 'user', 'before', again.word);
      await call('assistant/delete', { appid });
      for (const [path, body] of [
        ['knowledge/document/list', { knowledge_id }],
        ['knowledge/passage/list', { document_id: file!.document_id }],
        ['message/list', { openid: 'user' }],
      ] as const) {
        assert.equal((await call(path, { appid, ...body })).errcode, 40401, path);
      }
      await accounts.service.createLearned(appid);
      for (const [path, body] of [
        ['knowledge/document/list', { knowledge_id }],
        ['knowledge/file/detail', { knowledge_id, file_ids: ['same'] }],
        ['knowledge/passage/list', { document_id: file!.document_id }],
      ] as const) {
        assert.equal((await call(path, { appid, ...body })).errcode, 40401, path);
      }
      assert.deepEqual((await call('message/list', { appid, openid: 'user' })).messages, []);
      assert.equal(await finds(accounts.service, appid, again.word), false);
      assert.equal(await finds(accounts.service, appid, again.articleWord), true);
    });
  });
}

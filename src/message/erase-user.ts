import { createHash } from 'node:crypto';
import type { HandlerContext } from '@connectrpc/connect';
import { ulid } from 'ulid';
import type { EraseUserRequest } from '../../gen/wxmp/message/v1/message_pb.ts';
import { findAssistant } from '../assistant/store.ts';
import type { Context } from '../context.ts';
import { notFound } from '../errors.ts';
import { forgetSessions, listWecomScopes } from '../wecom/erase-sessions.ts';
import { auditBegin, auditEnd } from './audit-erasure.ts';
import { scopeKey } from './channel.ts';
import { beginErasing, eraseConversation, listErasing } from './erase-conversation.ts';
import { beginErasingPart, listConversationsOf } from './erase-part.ts';

/**
 * See MessageService.EraseUser, erase-conversation.ts, and, for what is shared with others, erase-part.ts. A deleted
 * assistant's users can be erased as well; an account that never had an assistant is not known. A call that is cut off is
 * finished by its repetition, or by PRUNE_CRON.
 */
export function eraseUser({ database, logger, wake }: Context) {
  return async ({ appid, openid, actor, reason }: EraseUserRequest, { signal }: Pick<HandlerContext, 'signal'>) => {
    const assistant = await findAssistant(database, appid);
    if (assistant === undefined) throw notFound('assistant', appid);
    const userHash = hashUser(appid, openid);
    signal.throwIfAborted();
    const auditId = ulid();
    await database.tx(async (tx) => {
      const { incarnation } = assistant;
      const byBots = await listWecomScopes(tx, appid, openid, incarnation);
      for (const scope of [...scopesOf(openid, incarnation), ...byBots]) {
        await beginErasing(tx, { appid, scopeKey: scope, userHash });
      }
      await forgetSessions(tx, appid, openid);
      for (const from of await listConversationsOf(tx, appid, openid)) {
        await beginErasingPart(tx, { appid, openid, userHash, from });
      }
      for (const goOn of [wake.messages, wake.dispatch]) tx.afterCommit(goOn); // for those who share what they said in
      await auditBegin(tx, auditId, { appid, userHash, actor, reason });
    });
    for (const each of await listErasing(database, appid, userHash)) {
      await eraseConversation(database, { ...each, auditId }, signal);
    }
    const erased = await auditEnd(database, auditId);
    logger.info({ appid, auditId, ...erased }, 'user erased');
    return erased;
  };
}

/** Tells one user's erasures from another's, and nothing of who that is to whoever doesn't know the openid. */
function hashUser(appid: string, openid: string): string {
  return createHash('sha256')
    .update(JSON.stringify([appid, openid]))
    .digest('hex');
}

/** The scopes of all conversations of an Official Account's user, those of before a deletion of the assistant among them. */
function* scopesOf(openid: string, incarnation: number): Generator<string> {
  for (let each = incarnation; each > 0; each--) {
    yield scopeKey(each, 'live', openid);
    yield scopeKey(each, 'debug', openid);
  }
}

import { createHash, timingSafeEqual } from 'node:crypto';
import type { DescMethod } from '@bufbuild/protobuf';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';

/**
 * Who may call what. The seed's calls are open, or want WXMP_TOKEN where it is set. Health and reflection are open.
 * Everything else is for operators: it wants ADMIN_TOKEN, and without one it exists only while this machine alone can
 * reach the listener (and, in wxmp.*, wants WXMP_TOKEN where that is set). A method that is in neither list is for
 * operators: forgetting one closes it.
 */
export interface Auth {
  /** Whether the method exists here. */
  exists(method: DescMethod): boolean;
  /** Throws an AppError when the caller may not call it. */
  check(method: DescMethod, authorization: string | null | undefined): void;
}

export function createAuth(config: Config): Auth {
  const tokenFor = (method: DescMethod) => {
    const name = `${method.parent.typeName}.${method.name}`;
    if (seedCalls.has(name)) return config.WXMP_TOKEN;
    if (openServices.test(name)) return undefined;
    return config.ADMIN_TOKEN ?? (name.startsWith('wxmp.') ? config.WXMP_TOKEN : undefined);
  };
  return {
    exists(method) {
      const name = `${method.parent.typeName}.${method.name}`;
      return config.adminEnabled || seedCalls.has(name) || openServices.test(name);
    },
    check(method, authorization) {
      const token = tokenFor(method);
      if (token === undefined || isBearer(authorization ?? '', token)) return;
      throw new AppError('UNAUTHENTICATED', 'a bearer token is required for this call');
    },
  };
}

const openServices = /^grpc\.(health|reflection)\./;

const seedCalls = new Set([
  'wxmp.assistant.v1.AssistantService.CreateAssistant',
  'wxmp.assistant.v1.AssistantService.UpdateAssistant',
  'wxmp.assistant.v1.AssistantService.DeleteAssistant',
  'wxmp.assistant.v1.AssistantService.GetAssistant',
  'wxmp.assistant.v1.AssistantService.PublishAssistant',
  'wxmp.assistant.v1.AssistantService.RevertAssistant',
  'wxmp.knowledge.v1.KnowledgeService.CreateKnowledge',
  'wxmp.knowledge.v1.KnowledgeService.UpdateKnowledge',
  'wxmp.knowledge.v1.KnowledgeService.DeleteKnowledge',
  'wxmp.knowledge.v1.KnowledgeService.GetFileDetail',
  'wxmp.article.v1.ArticleService.NotifyArticleEvent',
  'wxmp.message.v1.MessageService.NotifyMessage',
  'wxmp.message.v1.MessageService.ListMessages',
]);

/** Compares in constant time: hashes have one length. */
function isBearer(authorization: string, token: string): boolean {
  const given = /^bearer +(.*)$/i.exec(authorization)?.[1] ?? '';
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

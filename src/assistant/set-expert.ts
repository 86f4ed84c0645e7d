import { ExpertKind, type SetExpertRequest } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { Context } from '../context.ts';
import { invalidField } from '../errors.ts';
import { saveExpert } from './expert-settings.ts';
import { requireLockedAssistant } from './store.ts';

/** See AssistantService.SetExpert. */
export function setExpert({ database, config }: Context) {
  return async ({ appid, version, expert }: SetExpertRequest) => {
    const { kind, address, timeoutMs, threshold } = expert!; // required by its rule
    if (kind === ExpertKind.LLM && config.LLM_MODEL === undefined) {
      throw invalidField('expert.kind', '2 (llm) needs LLM_BASE_URL and LLM_MODEL to be set in this installation');
    }
    if (address !== '' && !isOrigin(address)) {
      throw invalidField('expert.address', 'must be http://host:port or https://host:port');
    }
    await database.tx(async (tx) => {
      await requireLockedAssistant(tx, appid);
      const settings = { kind, address: address.replace(/\/$/, ''), timeoutMs, threshold };
      await saveExpert(tx, appid, 'draft', settings);
      if (version === 0) await saveExpert(tx, appid, 'online', settings);
    });
    return {};
  };
}

/** Not so with a backslash, which is read as a slash: http://a\\b:1 would be http://a. */
function isOrigin(address: string): boolean {
  return URL.canParse(address) && new URL(address).pathname === '/' && !address.includes('\\');
}

import type { GetExpertRequest } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { Context } from '../context.ts';
import { loadExpert } from './expert-settings.ts';
import { viewOf } from './get-assistant.ts';
import { requireAssistant } from './store.ts';

/** See AssistantService.GetExpert. */
export function getExpert({ database }: Context) {
  return async ({ appid, view }: GetExpertRequest) => {
    await requireAssistant(database, appid);
    const { threshold, ...expert } = await loadExpert(database, appid, viewOf(view));
    return { expert: threshold === undefined ? expert : { ...expert, threshold } };
  };
}

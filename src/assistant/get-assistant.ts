import { AssistantView, type GetAssistantRequest } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { Context } from '../context.ts';
import { describeBases } from '../knowledge/describe-bases.ts';
import { loadStatus } from './status.ts';
import { loadSettings, requireAssistant, type View } from './store.ts';

/** See AssistantService.GetAssistant. */
export function getAssistant({ database }: Context) {
  return async ({ appid, view }: GetAssistantRequest) => {
    await requireAssistant(database, appid);
    const wanted = viewOf(view);
    const { name, description, systemPrompt } = await loadSettings(database, appid, wanted);
    return {
      name,
      description,
      systemPromot: systemPrompt,
      status: await loadStatus(database, appid),
      knowledges: await describeBases(database, appid, wanted),
    };
  };
}

/** Online unless the draft is asked for. */
export function viewOf(view: AssistantView): View {
  return view === AssistantView.DRAFT ? 'draft' : 'online';
}

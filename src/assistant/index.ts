import type { ServiceImpl } from '@connectrpc/connect';
import type { AssistantService } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import type { Context } from '../context.ts';
import { createAssistant } from './create-assistant.ts';
import { deleteAssistant } from './delete-assistant.ts';
import { getAssistant } from './get-assistant.ts';
import { getExpert } from './get-expert.ts';
import { listAssistants } from './list-assistants.ts';
import { publishAssistant } from './publish-assistant.ts';
import { revertAssistant } from './revert-assistant.ts';
import { setExpert } from './set-expert.ts';
import { updateAssistant } from './update-assistant.ts';

/** The calls of AssistantService, a file each. */
export function assistantService(context: Context): ServiceImpl<typeof AssistantService> {
  return {
    createAssistant: createAssistant(context),
    updateAssistant: updateAssistant(context),
    deleteAssistant: deleteAssistant(context),
    getAssistant: getAssistant(context),
    publishAssistant: publishAssistant(context),
    revertAssistant: revertAssistant(context),
    listAssistants: listAssistants(context),
    setExpert: setExpert(context),
    getExpert: getExpert(context),
  };
}

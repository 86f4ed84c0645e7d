import { requireHeldAssistant } from '../../assistant/store.ts';
import type { Context } from '../../context.ts';
import { type Chat, chatOf, type Inbound } from '../inbound.ts';
import type { Integration } from '../integration/store.ts';
import { beginSession } from '../session.ts';
import { textOf } from '../texts.ts';
import { findTriggerFor, type NotFor } from '../trigger/find-trigger-for.ts';
import type { GroupScope } from '../trigger/store.ts';
import { clickedCard, isTaskId, newSessionKey } from './new-session-card.ts';

/** Answers a click on a card with what the card says from then on; undefined: it is none of our cards, or nobody's click. */
export async function answerClick(
  context: Context,
  integration: Integration,
  inbound: Inbound,
): Promise<object | undefined> {
  const { event_key, task_id = '' } = inbound.event?.template_card_event ?? {};
  const chat = chatOf(inbound);
  if (event_key !== newSessionKey || !isTaskId(task_id) || chat === undefined) return undefined;
  const { said, groupScope } = await begin(context, integration, chat, inbound.msgid);
  const isShared = said === 'newSession' && groupScope === 'chat';
  return {
    response_type: 'update_template_card',
    // In a group the card changes for whom it concerns.
    ...(chat.chatId !== '' && !isShared && { userids: [chat.userId] }),
    template_card: clickedCard(integration, task_id, textOf(integration, said)),
  };
}

/** Begins a new session as `/new` does. */
function begin(
  { database, wake }: Context,
  { integrationId }: Integration,
  chat: Chat,
  msgid: string,
): Promise<{ said: 'newSession' | NotFor; groupScope?: GroupScope }> {
  return database.tx(async (tx) => {
    const asked = await findTriggerFor(tx, integrationId, chat.userId);
    if ('said' in asked) return asked;
    const { trigger } = asked;
    const { incarnation } = await requireHeldAssistant(tx, trigger.appid);
    await beginSession(tx, { ...trigger, incarnation }, chat, msgid);
    tx.afterCommit(wake.messages);
    return { said: 'newSession', groupScope: trigger.groupScope };
  });
}

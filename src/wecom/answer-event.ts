import type { Context } from '../context.ts';
import { answerClick } from './cards/answer-click.ts';
import { fitsCard, newSessionCard, newTaskId } from './cards/new-session-card.ts';
import { cardFrame, textFrame } from './frames.ts';
import type { Inbound } from './inbound.ts';
import type { Integration } from './integration/store.ts';
import { noteFeedback } from './note-feedback.ts';
import { textOf } from './texts.ts';
import { findTriggerFor } from './trigger/find-trigger-for.ts';

/** Answers an event; undefined: there is nothing to say to it. Events that are not known are let pass. */
export async function answerEvent(
  context: Context,
  integration: Integration,
  inbound: Inbound,
): Promise<object | undefined> {
  switch (inbound.event?.eventtype) {
    case 'enter_chat':
      return welcome(context, integration, inbound);
    case 'template_card_event':
      return answerClick(context, integration, inbound);
    case 'feedback_event':
      await noteFeedback(context, integration, inbound);
      return undefined;
    default:
      return undefined;
  }
}

/** The welcome, on a card with a button where it fits on one. */
async function welcome(
  { database }: Context,
  integration: Integration,
  { from: { userid } }: Inbound,
): Promise<object> {
  const asked = await findTriggerFor(database, integration.integrationId, userid);
  if ('said' in asked) return textFrame(textOf(integration, asked.said));
  const text = asked.trigger.welcome || textOf(integration, 'welcome');
  if (!fitsCard(text)) return textFrame(text);
  return cardFrame(
    newSessionCard(integration, { taskId: newTaskId(), title: textOf(integration, 'welcomeTitle'), text }),
  );
}

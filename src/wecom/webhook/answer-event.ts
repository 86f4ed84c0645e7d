import type { Context } from '../../context.ts';
import type { Inbound } from '../inbound.ts';
import type { Integration } from '../integration/store.ts';
import { textOf } from '../texts.ts';
import { findTrigger } from '../trigger/store.ts';
import { textFrame } from './frames.ts';

/** Answers an event; undefined: there is nothing to say to it. Events that are not known are let pass. */
export async function answerEvent(
  { database }: Context,
  integration: Integration,
  { event }: Inbound,
): Promise<object | undefined> {
  if (event?.eventtype !== 'enter_chat') return undefined;
  const trigger = await findTrigger(database, integration.integrationId);
  if (trigger === undefined || !trigger.enabled) return textFrame(textOf(integration, 'unbound'));
  return textFrame(trigger.welcome || textOf(integration, 'welcome'));
}

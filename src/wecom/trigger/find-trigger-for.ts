import type { Session } from '../../db/session.ts';
import { findTrigger, type StoredTrigger } from './store.ts';

/** Why a user is not answered: the name of the text that says so. */
export type NotFor = 'unbound' | 'notAllowed';

/** The trigger by which a bot answers this user, or why it does not. By the primary key. */
export async function findTriggerFor(
  session: Session,
  integrationId: string,
  userId: string,
): Promise<{ trigger: StoredTrigger } | { said: NotFor }> {
  const trigger = await findTrigger(session, integrationId);
  if (trigger === undefined || !trigger.enabled) return { said: 'unbound' };
  const { allowUsers } = trigger;
  return allowUsers.length > 0 && !allowUsers.includes(userId) ? { said: 'notAllowed' } : { trigger };
}

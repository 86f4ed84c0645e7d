import { loadExpert } from '../../assistant/expert-settings.ts';
import type { Context } from '../../context.ts';

/** Whether the expert that answers an account's users looks at pictures. */
export async function isSeen({ database, chooseExpert }: Context, appid: string): Promise<boolean> {
  return (chooseExpert(await loadExpert(database, appid, 'online')).pictureBytes ?? 0) > 0;
}

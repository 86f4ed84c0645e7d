import type { Tx } from '../db/tx.ts';
import { listBindings, setBindings } from '../knowledge/binding.ts';
import { loadExpert, saveExpert } from './expert-settings.ts';
import { loadSettings, saveSettings, type View } from './store.ts';

/** Makes one configuration, settings, expert and bound bases, the same as the other. */
export async function copyConfiguration(tx: Tx, appid: string, from: View, to: View): Promise<void> {
  await saveSettings(tx, appid, to, await loadSettings(tx, appid, from));
  await saveExpert(tx, appid, to, await loadExpert(tx, appid, from));
  await setBindings(tx, appid, to, await listBindings(tx, appid, from));
}

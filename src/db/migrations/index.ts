import type { Migration } from '../migrate.ts';
import { base } from './20261121-base/index.ts';
import { expertSettings } from './20261122-expert-settings.ts';
import { files } from './20261122-files.ts';
import { generations } from './20261122-generations.ts';
import { operations } from './20261122-operations.ts';
import { overload } from './20261122-overload.ts';
import { pleaseWait } from './20261122-please-wait.ts';
import { sharedRows } from './20261122-shared-rows.ts';
import { tokenUse } from './20261122-token-use.ts';
import { upkeep } from './20261122-upkeep.ts';
import { wecom } from './20261122-wecom.ts';
import { attachments } from './20261123-attachments.ts';
import { conversations } from './20261123-conversations.ts';
import { gather } from './20261123-gather.ts';
import { wecomReplies } from './20261123-wecom-replies.ts';
import { connections } from './20261124-connections.ts';
import { longConnection } from './20261125-long-connection.ts';

/** All steps, oldest first. */
export const migrations: readonly Migration[] = [
  base,
  expertSettings,
  files,
  generations,
  operations,
  overload,
  pleaseWait,
  sharedRows,
  tokenUse,
  upkeep,
  wecom,
  attachments,
  conversations,
  gather,
  wecomReplies,
  connections,
  longConnection,
];

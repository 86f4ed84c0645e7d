import type { Migration } from '../migrate.ts';
import { base } from './20261121-base/index.ts';
import { files } from './20261122-files.ts';
import { generations } from './20261122-generations.ts';
import { sharedRows } from './20261122-shared-rows.ts';
import { tokenUse } from './20261122-token-use.ts';

/** All steps, oldest first. */
export const migrations: readonly Migration[] = [base, files, generations, sharedRows, tokenUse];

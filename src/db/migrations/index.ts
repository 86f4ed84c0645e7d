import type { Migration } from '../migrate.ts';
import { base } from './20261121-base/index.ts';

/** All steps, oldest first. */
export const migrations: readonly Migration[] = [base];

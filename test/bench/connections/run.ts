/** `make bench PART=connections`: see connections.ts. Ends with 1 when a promise was not kept. */
import { runConnections } from './connections.ts';
import { describeResult } from './describe.ts';
import { readConnectionSettings } from './settings.ts';

const say = (line: string) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
const result = await runConnections({ ...readConnectionSettings(process.env), say });
process.stdout.write(`${describeResult(result)}\n`);
process.exitCode = result.broken.length === 0 ? 0 : 1;

/** `npm run build`: dist/ with plain JavaScript that runs on Node 24 with the production dependencies. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync, writeFileSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
cpSync('src/sandbox/files', 'dist/src/sandbox/files', { recursive: true, filter: (path) => !path.endsWith('.ts') });
// src/ and gen/ lie beside each other in dist/ as they do here; the entry is where package.json says.
writeFileSync('dist/main.js', "#!/usr/bin/env node\nimport './src/main.js';\n");
chmodSync('dist/main.js', 0o755);

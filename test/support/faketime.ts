/** Another clock for one process: Debian's faketime, whose library is loaded before the C library. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

/**
 * The environment that sets a process's clock off by so many seconds; its monotonic clock goes on as it is. Installs
 * faketime by apt where it is missing, as root on Debian, after saying so. Undefined: there is none to be had.
 */
export function provideFaketime(
  say: (line: string) => void,
): ((offsetSeconds: number) => Record<string, string>) | undefined {
  if (findLibrary() === undefined && userInfo().uid === 0 && existsSync('/usr/bin/apt-get')) {
    say('There is no faketime on this machine: installing it by apt-get.');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'faketime']]) {
      spawnSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    }
  }
  const library = findLibrary();
  if (library === undefined) return undefined;
  return (offsetSeconds) => ({
    LD_PRELOAD: library,
    FAKETIME: `${offsetSeconds < 0 ? '' : '+'}${offsetSeconds}s`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  });
}

function findLibrary(): string | undefined {
  const roots = ['/usr/lib', '/usr/local/lib'].filter((root) => existsSync(root));
  const folders = roots.flatMap((root) => [root, ...readdirSync(root).map((name) => join(root, name))]);
  // The multi-threaded one: Node has threads.
  return folders.map((folder) => join(folder, 'faketime/libfaketimeMT.so.1')).find((path) => existsSync(path));
}

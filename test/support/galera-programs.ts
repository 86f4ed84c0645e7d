/** What a Galera cluster needs of a machine. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { findMariadbd } from './mysql-server.ts';

export interface GaleraPrograms {
  mariadbd: string;
  /** The replication library that the server loads. */
  library: string;
  /** The search path with the scripts that copy a node's data to another. */
  path: string;
}

const libraries = ['/usr/lib/galera/libgalera_smm.so', '/usr/lib64/galera-4/libgalera_smm.so'];
const packages = ['mariadb-server-core', 'mariadb-client-core', 'galera-4', 'rsync', 'lsof', 'iproute2'];

/** Finds what is there, and, as root on Debian, gets by apt what is not, after saying so. Undefined: it can't be had. */
export function provideGalera(say: (line: string) => void): GaleraPrograms | undefined {
  const canInstall = userInfo().uid === 0 && existsSync('/usr/bin/apt-get');
  if (canInstall && (!hasPrograms() || !isOnPath('rsync'))) {
    say(`There is no Galera on this machine: installing ${packages.join(', ')} by apt-get. None starts a service.`);
    apt('update');
    apt('install', '-y', '--no-install-recommends', ...packages);
  }
  const library = libraries.find((path) => existsSync(path));
  const mariadbd = findMariadbd();
  if (library === undefined || mariadbd === undefined || !isOnPath('rsync')) return undefined;
  let path = `${process.env.PATH ?? ''}${delimiter}/usr/bin${delimiter}/usr/sbin`;
  if (!isOnPath('wsrep_sst_rsync')) {
    if (!canInstall) return undefined;
    path = `${unpackScripts(say)}${delimiter}${path}`;
  }
  return { mariadbd, library, path };
}

/** Galera isn't run as root: as root, its nodes run as `mysql`, or as `nobody` where there is none. */
export function unprivilegedUser(): { uid?: number; gid?: number } {
  if (userInfo().uid !== 0) return {};
  for (const name of ['mysql', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((option) => spawnSync('id', [option, name], { encoding: 'utf8' }));
    if (uid!.status === 0) return { uid: Number(uid!.stdout), gid: Number(gid!.stdout) };
  }
  throw new Error('there is no unprivileged user to run the cluster as');
}

function hasPrograms(): boolean {
  return libraries.some((path) => existsSync(path)) && findMariadbd() !== undefined;
}

function isOnPath(program: string): boolean {
  return spawnSync('which', [program], { stdio: 'ignore' }).status === 0;
}

/** The scripts are in mariadb-server, whose installation would start a service: it is unpacked beside the system. */
function unpackScripts(say: (line: string) => void): string {
  say('Unpacking the scripts of mariadb-server that copy data between nodes; it is not installed.');
  const folder = mkdtempSync(join(tmpdir(), 'wxmp-galera-scripts-'));
  chmodSync(folder, 0o777); // apt downloads as a user of its own
  apt('update');
  spawnSync('apt-get', ['-qq', 'download', 'mariadb-server'], { ...aptOptions(), cwd: folder });
  spawnSync('sh', ['-c', 'dpkg-deb -x mariadb-server_*.deb .'], { ...aptOptions(), cwd: folder });
  chmodSync(folder, 0o755);
  return join(folder, 'usr', 'bin');
}

function apt(...args: string[]): void {
  spawnSync('apt-get', ['-qq', ...args], aptOptions());
}

function aptOptions() {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return { env, stdio: ['ignore', 'ignore', 'inherit'] as ['ignore', 'ignore', 'inherit'], timeout: 600_000 };
}

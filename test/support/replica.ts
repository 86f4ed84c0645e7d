/** A service process that is started again at once when it is killed, as a supervisor does. */
import { type LaunchedService, launchService } from './spawn-service.ts';

export interface Replica {
  /** BIZCOMM_APPNAME: how a receiver knows who sends. */
  name: string;
  /** The address, while it serves. */
  url: string | undefined;
  /** The process, which may still be starting. */
  pid: number;
  /** How often it was killed by `kill`. */
  kills: number;
  /** Ends that nobody asked for: signals or exit codes. */
  failures: (NodeJS.Signals | number)[];
  /** Ends it by SIGKILL; it is started again. */
  kill(): void;
  /** Sends a signal. */
  signal(signal: NodeJS.Signals): void;
  /** Ends it by SIGTERM for good, and returns its exit code, or the signal that it died by. */
  stop(): Promise<NodeJS.Signals | number>;
  /** Called when it ends by itself. */
  onFailure: (how: NodeJS.Signals | number) => void;
  /** Starts a stopped one again, and waits until it serves. */
  start(env?: Record<string, string>): Promise<void>;
  /** Resolves when it serves. */
  serves(): Promise<void>;
}

const mostFailures = 20;

/** Starts a replica and keeps it running. */
export function superviseReplica(name: string, env: Record<string, string>, onLog?: (line: string) => void): Replica {
  let current: LaunchedService;
  let isStopping = false;
  let isKilled = false;
  let over: Promise<NodeJS.Signals | number>;
  const launch = (more: Record<string, string> = {}) => {
    isKilled = false;
    const launched = launchService({ ...env, ...more, BIZCOMM_APPNAME: name }, onLog);
    current = launched;
    replica.pid = launched.pid;
    void launched.serving.then((url) => {
      if (current === launched) replica.url = url;
    });
    over = launched.ended.then((how) => {
      replica.url = undefined;
      if (isStopping) return how;
      if (!isKilled) {
        replica.failures.push(how);
        replica.onFailure(how);
      }
      // One that can't live at all is not tried for ever.
      if (replica.failures.length < mostFailures) launch(more);
      return how;
    });
  };
  const replica: Replica = {
    name,
    url: undefined,
    pid: 0,
    kills: 0,
    failures: [],
    onFailure: () => {},
    kill() {
      if (isKilled) return;
      isKilled = true;
      replica.kills++;
      current.kill('SIGKILL');
    },
    signal: (signal) => current.kill(signal),
    async stop() {
      isStopping = true;
      current.kill('SIGTERM');
      return over;
    },
    async start(more) {
      isStopping = false;
      launch(more);
      await replica.serves();
    },
    async serves() {
      // A process that dies before it serves is followed by the next one.
      while (!isStopping && (isKilled || (await current.serving) === undefined)) {
        if (replica.failures.length >= mostFailures) throw new Error(`${name} can't live`);
        await over;
      }
    },
  };
  launch();
  return replica;
}

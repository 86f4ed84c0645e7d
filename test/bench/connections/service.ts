/** The service, as a process that tells its parent where it is, and what it uses (tell-usage.ts). */
import { startApp } from '../../../src/app.ts';
import { readEnv, toConfig } from '../../../src/config.ts';
import { createLogger } from '../../../src/logger.ts';
import { measureCpu, measureUsage, serveParent } from './child.ts';

const config = toConfig(readEnv());
const app = await startApp({ config, logger: createLogger(config.LOG_LEVEL) });
serveParent({ url: () => app.url, usage: measureUsage, cpu: measureCpu });
process.channel?.unref();
const stop = () => void app.stop();
process.once('SIGTERM', stop).once('disconnect', stop);

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { removeLocalPostgres } from '@caudal/local-postgres/remove-local-postgres.ts'
import {
  createLogger,
  flushLogs,
  LOG_LEVELS,
  type Logger,
  type LogLevel,
} from '@caudal/telemetry/logger.ts'
import type { Invocation } from '../command.ts'
import { welcome, welcomeWithoutLogin } from '../commands/welcome.ts'
import { prepareDemoUser } from '../demo-data/demo-user.ts'
import { note, printJson, printLine } from '../output.ts'
import { watchStopSignals } from '../stop-signals.ts'
import { findSystem } from './find-system.ts'
import { runSystem, type RunningSystem } from './run-system.ts'

/** What to start. */
export type StartPlan = {
  names: readonly string[]
  firstPort: number
  /** Delete the data of the embedded database first. */
  fresh: boolean
  /** Whether these are all services. */
  complete: boolean
}

/** Runs services in this process until a signal stops it or the embedded database is lost. */
export async function startUntilStopped(invocation: Invocation, plan: StartPlan): Promise<void> {
  const { dataDir, json } = invocation
  const { names, firstPort, fresh, complete } = plan
  const logger = createLogger({ service: 'caudal', level: logLevel(process.env) })
  const stopped = watchStopSignals().first
  if (fresh) await startOver(dataDir, logger)
  const system = await runSystem({ names, dataDir, firstPort, env: process.env, logger })
  try {
    await printReady(invocation, system, complete)
    const ended = await Promise.race([stopped, system.failed])
    if (ended instanceof Error) throw ended
    if (!json) note('\nStopping…')
  } finally {
    await system.stop()
    flushLogs()
  }
}

/** An unknown level is refused later, with the rest of the configuration. */
function logLevel({ CAUDAL_LOG_LEVEL: wanted }: NodeJS.ProcessEnv): LogLevel {
  return LOG_LEVELS.find((level) => level === wanted) ?? 'info'
}

async function printReady(
  invocation: Invocation,
  { state }: RunningSystem,
  complete: boolean,
): Promise<void> {
  const { json } = invocation
  if (json) {
    const { gateway_url, console_url, psp_url, asyncbank_url, push_url, data_dir, pid } = state
    const urls = { gateway_url, console_url, psp_url, asyncbank_url, push_url }
    printJson({ event: 'ready', ...urls, data_dir, pid })
    return
  }
  for (const [name, url] of Object.entries(state.services)) {
    printLine(`  ${name.padEnd(14)} ${url}`, { json })
  }
  if (!complete) return
  if (process.env['CAUDAL_DEVELOPMENT_LOGIN'] === 'false') {
    printLine(welcomeWithoutLogin(state.gateway_url!), { json })
    return
  }
  const demoUser = await prepareDemoUser(
    await findSystem({ dataDir: state.data_dir, url: undefined }),
    state.data_dir,
  )
  const system = { gatewayUrl: state.gateway_url!, dataDir: state.data_dir }
  printLine(welcome(system, demoUser), { json })
}

async function startOver(dataDir: string, logger: Logger): Promise<void> {
  await removeLocalPostgres({ dataDir: join(dataDir, 'postgres'), logger })
  for (const file of ['system.json', 'secrets.json', 'demo.json']) {
    await rm(join(dataDir, file), { force: true })
  }
}

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
import type { CliCommand, Invocation } from '../command.ts'
import { prepareDemoUser } from '../demo-data/demo-user.ts'
import { EXIT, UsageError } from '../errors.ts'
import { note, printJson, printLine } from '../output.ts'
import { integerOption } from '../parse-options.ts'
import { findSystem } from '../system/find-system.ts'
import { refuseEmbedded } from '../system/partial-system.ts'
import { runSystem, type RunningSystem } from '../system/run-system.ts'
import { SERVICE_ENTRIES } from '../system/services.ts'
import { welcome } from './welcome.ts'

const ALL = [...SERVICE_ENTRIES.keys()]
const SAME_SIGNAL_MS = 1_000

/** `caudal start`: runs the whole system or some services in this process. */
export const start: CliCommand = {
  summary: 'start all services, or the named ones, in one process (with an embedded PostgreSQL)',
  usage: 'start [service…] [--embedded] [--fresh] [--data DIR] [--port N]',
  options: { embedded: { type: 'boolean' }, fresh: { type: 'boolean' }, port: { type: 'string' } },
  positionals: { min: 0, max: ALL.length },
  async run(invocation) {
    const { positionals, values, dataDir, json } = invocation
    const unknown = positionals.find((name) => !SERVICE_ENTRIES.has(name))
    if (unknown !== undefined) {
      throw new UsageError(`unknown service "${unknown}"; the services are ${ALL.join(', ')}`)
    }
    if (values['fresh'] === true && process.env['DATABASE_URL']) {
      throw new UsageError('--fresh is only for the embedded database, but DATABASE_URL is set')
    }
    const names = positionals.length === 0 ? ALL : [...new Set(positionals)]
    const refusal = refuseEmbedded(names, process.env, values['embedded'] === true)
    if (refusal !== undefined) throw new UsageError(refusal)
    const firstPort = integerOption(values, 'port', { min: 0, max: 65_000 }, 8080)
    const logger = createLogger({ service: 'caudal', level: logLevel(process.env) })
    const stopped = onStopSignal()
    if (values['fresh'] === true) await startOver(dataDir, logger)
    const system = await runSystem({ names, dataDir, firstPort, env: process.env, logger })
    try {
      await printReady(invocation, system, names.length === ALL.length)
      const fault = await Promise.race([stopped, system.failed])
      if (fault) throw fault
      if (!json) note('\nStopping…')
    } finally {
      await system.stop()
      flushLogs()
    }
    return EXIT.done
  },
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
    const { gateway_url, console_url, psp_url, push_url, data_dir, pid } = state
    const urls = { gateway_url, console_url, psp_url, push_url }
    printJson({ event: 'ready', ...urls, data_dir, pid })
    return
  }
  for (const [name, url] of Object.entries(state.services)) {
    printLine(`  ${name.padEnd(14)} ${url}`, { json })
  }
  if (!complete) return
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

/**
 * Resolves at the first stop signal. A later one ends the process at once, unless it follows within
 * a second: then it is the same Ctrl-C, forwarded by npm or a launcher.
 */
function onStopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let firstSignalAt: number | undefined
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (firstSignalAt !== undefined && performance.now() - firstSignalAt > SAME_SIGNAL_MS) {
          process.exit(EXIT.no)
        }
        firstSignalAt ??= performance.now()
        resolve()
      })
    }
  })
}

import { readEnvironment } from '@caudal/config/environment.ts'
import { readKafkaConfig } from '@caudal/config/kafka-config.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { refuseOtherLog } from '@caudal/event-log/log-identity.ts'
import { type EventLogConfig, openEventLog } from '@caudal/event-log/open-event-log.ts'
import { selectOutboxLogs } from '@caudal/outbox/check-outbox-log.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { migrate } from '@caudal/postgres/migrate.ts'
import { toKafkaSettings } from '@caudal/service/to-kafka-settings.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { walletMigrations } from '@caudal/wallets/migrations.ts'
import { type Rebuilt, rebuildLedger } from '@caudal/wallets/upkeep/rebuild-ledger.ts'
import type { CliCommand } from '../command.ts'
import { EXIT, UsageError } from '../errors.ts'
import { printJson, printLine } from '../output.ts'
import { textOption } from '../parse-options.ts'
import { findSystem, type System } from '../system/find-system.ts'
import { refuseTarget, withTarget } from '../system/rebuild-target.ts'
import { SERVICE_ENTRIES } from '../system/services.ts'

const DATABASE = /^[a-z][a-z0-9_]{0,62}$/

/** `caudal rebuild`: rebuilds the ledger from its events. Exits with 1 if events are missing. */
export const rebuild: CliCommand = {
  summary: 'rebuild the ledger from its events into a new database and report missing events',
  usage: 'rebuild --into DATABASE',
  options: { into: { type: 'string' } },
  positionals: { min: 0, max: 0 },
  async run(invocation) {
    const database = textOption(invocation.values, 'into')
    if (!DATABASE.test(database)) {
      throw new UsageError('--into: a name may have lower-case letters, digits and underscores')
    }
    refuseTarget(database, [...SERVICE_ENTRIES.keys()])
    const system = await findSystem(invocation)
    const { events, transfers, gaps } = await withTarget(
      { url: system.databaseUrl(database), database },
      () => rebuildInto(system, database),
      (rebuilt) => rebuilt.gaps.length === 0,
    )
    const ok = gaps.length === 0
    if (invocation.json) printJson({ ok, database, events, transfers, gaps })
    const counts = `${events} events, ${transfers} transfers`
    printLine(`${ok ? 'ok ' : 'NO '} ${database}: ${counts}`, invocation)
    for (const gap of gaps) printLine(`      ${gap}`, invocation)
    return ok ? EXIT.done : EXIT.no
  },
}

async function rebuildInto(system: System, database: string): Promise<Rebuilt> {
  const url = system.databaseUrl(database)
  await migrate({ adminUrl: url, database, sets: walletMigrations })
  const db = createPool({ url, applicationName: 'caudal-rebuild' })
  try {
    const logger = createLogger({ service: 'caudal', level: 'warn' })
    const log = await openEventLog(logConfig(system), logger)
    try {
      await refuseLogOfOthers(system, log)
      return await rebuildLedger({ log, db })
    } finally {
      await log.close()
    }
  } finally {
    await db.end()
  }
}

/** Another log than the one that the ledger's events were published to would rebuild nothing. */
async function refuseLogOfOthers(system: System, log: EventLog): Promise<void> {
  const url = system.databaseUrl('caudal_wallets')
  const wallets = createPool({ url, applicationName: 'caudal-rebuild', max: 1 })
  try {
    const known = await selectOutboxLogs(wallets)
    refuseOtherLog('the outbox of wallets', known, await log.identify([...known.keys()]))
  } finally {
    await wallets.end()
  }
}

function logConfig(system: System): EventLogConfig {
  const kafka = readEnvironment(process.env, readKafkaConfig)
  const url = process.env['CAUDAL_LOG_DATABASE_URL'] ?? system.databaseUrl('caudal_log')
  return { serverUrl: url, url, ...(kafka && { kafka: toKafkaSettings(kafka) }) }
}

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
import type { System } from '../system/find-system.ts'
import { withTarget } from '../system/rebuild-target.ts'

/** Rebuilds the ledger of the system into a database that is new or empty. */
export function rebuildInto(system: System, database: string): Promise<Rebuilt> {
  return withTarget(
    { url: system.ownerDatabaseUrl(database), database },
    () => rebuild(system, database),
    (rebuilt) => rebuilt.gaps.length === 0,
  )
}

async function rebuild(system: System, database: string): Promise<Rebuilt> {
  const url = system.ownerDatabaseUrl(database)
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

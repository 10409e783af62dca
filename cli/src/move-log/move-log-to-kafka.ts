import { readEnvironment } from '@caudal/config/environment.ts'
import { readKafkaConfig } from '@caudal/config/kafka-config.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { logMigrations } from '@caudal/event-log/migrations.ts'
import { findEmbeddedId, findMove, noteStep } from '@caudal/event-log/move/move-journal.ts'
import { moveRecords } from '@caudal/event-log/move/move-records.ts'
import { openEventLog } from '@caudal/event-log/open-event-log.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { migrate } from '@caudal/postgres/migrate.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createLogger, type Logger } from '@caudal/telemetry/logger.ts'
import { note } from '../output.ts'
import { watchStopSignals } from '../stop-signals.ts'
import { creatingSettings } from '../system/prepare-kafka.ts'
import { holdServices } from './hold-services.ts'
import { checkService, movePositions, servicesWithDatabases } from './move-positions.ts'
import { openStoppedSystem, type StoppedSystem } from './stopped-system.ts'

/** How many records were moved, and the services whose positions were. */
export type MovedLog = { records: bigint; services: string[] }

/**
 * Moves the log of the stopped system in `dataDir` to the Kafka of the environment.
 *
 * @throws {UnreachableError} if the system runs, or has no database
 */
export async function moveLogToKafka(dataDir: string): Promise<MovedLog> {
  const logger = createLogger({ service: 'caudal', level: 'warn' })
  // A signal stops the command between two steps; run again, it goes on from there.
  const { aborted } = watchStopSignals('interrupted; run the command again to go on')
  const system = await openStoppedSystem(dataDir, process.env, logger)
  try {
    return await withLogs(system, logger, (moving) => moveAll(system, moving, aborted))
  } finally {
    await system.close()
  }
}

type Moving = { services: string[]; source: EventLog; target: EventLog; logDb: Db }

async function withLogs<T>(
  system: StoppedSystem,
  logger: Logger,
  work: (moving: Moving) => Promise<T>,
): Promise<T> {
  const kafka = creatingSettings(readEnvironment(process.env, readKafkaConfig)!)
  const server = { serverUrl: system.logUrl, url: system.logUrl }
  const services = await servicesWithDatabases(system)
  // Before the logs are opened, whose own connections look like those of a service.
  const held = await holdServices(system, services)
  const logDb = createPool({ url: system.logUrl, applicationName: 'caudal-move-log', max: 2 })
  const opened: EventLog[] = []
  try {
    const open = async (config: Parameters<typeof openEventLog>[0]): Promise<EventLog> => {
      const log = await openEventLog(config, logger)
      opened.push(log)
      return log
    }
    await migrateLog(system.logUrl)
    const source = await open(server)
    return await work({ services, source, target: await open({ ...server, kafka }), logDb })
  } finally {
    await Promise.all(opened.map((log) => log.close()))
    await logDb.end()
    await held.release()
  }
}

/** A log of release 0.1.0 has no identity yet. */
async function migrateLog(logUrl: string): Promise<void> {
  const database = decodeURIComponent(new URL(logUrl).pathname.slice(1))
  await migrate({ adminUrl: logUrl, database, sets: [logMigrations] })
}

/** Every step is safe to repeat, so a run that was killed is gone on with. */
async function moveAll(
  system: StoppedSystem,
  { services, source, target, logDb }: Moving,
  signal: AbortSignal,
): Promise<MovedLog> {
  const step = (await findMove(logDb))?.step ?? 'copying'
  if (step === 'copying') {
    for (const service of services) await checkService(system, service, source)
  }
  const progress = (line: string): void => note(`caudal: ${line}`)
  const { target: to, records } = await moveRecords({ source, target, logDb, progress, signal })
  const from = await findEmbeddedId(logDb)
  for (const service of services) await movePositions(system, service, { from, to })
  for (const service of services) await checkService(system, service, target)
  await noteStep(logDb, 'moved')
  return { records, services }
}

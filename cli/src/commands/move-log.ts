import { readEnvironment } from '@caudal/config/environment.ts'
import { readKafkaConfig } from '@caudal/config/kafka-config.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { findEmbeddedId, findMove, noteStep } from '@caudal/event-log/move/move-journal.ts'
import { moveRecords } from '@caudal/event-log/move/move-records.ts'
import { openEventLog } from '@caudal/event-log/open-event-log.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { toKafkaSettings } from '@caudal/service/to-kafka-settings.ts'
import { createLogger, type Logger } from '@caudal/telemetry/logger.ts'
import type { CliCommand } from '../command.ts'
import { EXIT, UsageError } from '../errors.ts'
import { holdServices } from '../move-log/hold-services.ts'
import { checkService, movePositions, servicesWithDatabases } from '../move-log/move-positions.ts'
import { openStoppedSystem, type StoppedSystem } from '../move-log/stopped-system.ts'
import { note, printJson, printLine } from '../output.ts'
import { textOption } from '../parse-options.ts'

/** `caudal move-log`: moves the embedded event log to Kafka, offsets kept equal. */
export const moveLog: CliCommand = {
  summary: 'move the embedded event log to the empty topics of KAFKA_BROKERS; services are stopped',
  usage: 'move-log --to kafka',
  options: { to: { type: 'string' } },
  positionals: { min: 0, max: 0 },
  async run(invocation) {
    if (textOption(invocation.values, 'to') !== 'kafka') throw new UsageError('--to takes kafka')
    if (!process.env['KAFKA_BROKERS']) {
      throw new UsageError('KAFKA_BROKERS is not set: it names the Kafka to move the log to')
    }
    const logger = createLogger({ service: 'caudal', level: 'warn' })
    const signal = stopSignal()
    const system = await openStoppedSystem(invocation.dataDir, process.env, logger)
    try {
      const { records, services } = await withLogs(system, logger, (logs) =>
        moveAll(system, logs, signal),
      )
      if (invocation.json) printJson({ ok: true, records: Number(records), services })
      printLine(`ok  ${records} records are in Kafka, at the offsets that they had`, invocation)
      printLine('    From now on start every service with these KAFKA_ variables.', invocation)
    } finally {
      await system.close()
    }
    return EXIT.done
  },
}

/** A signal stops the command between two steps; run again, it goes on from there. */
function stopSignal(): AbortSignal {
  const stopping = new AbortController()
  const reason = new Error('interrupted; run the command again to go on')
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => stopping.abort(reason))
  }
  return stopping.signal
}

type Logs = { source: EventLog; target: EventLog; logDb: Db }

async function withLogs<T>(
  system: StoppedSystem,
  logger: Logger,
  work: (logs: Logs) => Promise<T>,
): Promise<T> {
  const kafka = toKafkaSettings(readEnvironment(process.env, readKafkaConfig)!)
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
    const source = await open({ ...server, migrationUrl: system.logUrl })
    return await work({ source, target: await open({ ...server, kafka }), logDb })
  } finally {
    await Promise.all(opened.map((log) => log.close()))
    await logDb.end()
    await held.release()
  }
}

/** Every step is safe to repeat, so a run that was killed is gone on with. */
async function moveAll(
  system: StoppedSystem,
  { source, target, logDb }: Logs,
  signal: AbortSignal,
): Promise<{ records: bigint; services: string[] }> {
  const services = await servicesWithDatabases(system)
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

import type { UserCreated } from '@caudal/contracts/events/users.ts'
import { consume } from '@caudal/event-log/consume.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { openKafkaLog } from '@caudal/event-log/kafka/open-kafka-log.ts'
// A process that consumes from Kafka and inserts one row per record; started by startWorker.
import { createPool } from '@caudal/postgres/create-pool.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import type { WorkerOptions } from './start-worker.ts'

const options = JSON.parse(process.argv[2]!) as WorkerOptions
const logger = createLogger({ service: 'worker', level: 'silent' })
const metrics = createMetrics('worker')
const applicationName = `worker ${process.pid}`
const db = createPool({ url: options.databaseUrl, applicationName, max: 3 })
const { brokers, sessionTimeoutMs } = options
const settings = { brokers, ...(sessionTimeoutMs !== undefined && { sessionTimeoutMs }) }
const log = await openKafkaLog({ settings, logger, metrics, topics: options.topics })

let hold = false
let release = Promise.withResolvers<void>()

await consume({
  log,
  db,
  group: options.group,
  topics: options.topics,
  handlers: { 'user.created': (incoming: IncomingEvent<UserCreated>) => incoming },
  orderBy: Object.fromEntries(options.topics.map((topic) => [topic, ['account_id']])),
  logger,
  metrics,
  process: async (tx, events) => {
    await tx.query(
      `INSERT INTO effects (worker, topic, partition, record_offset)
       SELECT $1, * FROM unnest($2::text[], $3::int[], $4::bigint[])`,
      [
        process.pid,
        events.map(({ record }) => record.topic),
        events.map(({ record }) => record.partition),
        events.map(({ record }) => record.offset),
      ],
    )
    if (hold) {
      process.send!({ held: true })
      await release.promise
    }
    return { outcomes: [] }
  },
})

process.on('message', ({ ask }: { ask: 'metrics' | 'hold' | 'release' }) => {
  if (ask === 'metrics') void metrics.text().then((text) => process.send!({ metrics: text }))
  if (ask === 'hold') hold = true
  if (ask !== 'release') return
  hold = false
  release.resolve()
  release = Promise.withResolvers()
})
// The parent process has ended.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
process.send!({ ready: true })

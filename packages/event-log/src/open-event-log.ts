import { TOPICS } from '@caudal/contracts/topics.ts'
import { databaseUrl } from '@caudal/postgres/database-url.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { createMetrics, type Metrics } from '@caudal/telemetry/metrics.ts'
import type { EventLog } from './event-log.ts'
import type { KafkaSettings } from './kafka/kafka-settings.ts'
import { openKafkaLog } from './kafka/open-kafka-log.ts'
import { withPrefix } from './kafka/with-prefix.ts'
import { openPostgresLog } from './postgres/open-postgres-log.ts'

/** The database of the postgres driver, where no other is named. */
const LOG_DATABASE = 'caudal_log'

export type EventLogConfig = {
  /** Server URL of the role that runs (DATABASE_URL). */
  serverUrl: string
  /** The log's own database (CAUDAL_LOG_DATABASE_URL); default `caudal_log` on the server. */
  url?: string
  /** A Kafka to use instead (KAFKA_BROKERS). */
  kafka?: KafkaSettings
}

/** Opens the event log that the configuration names; a service never knows which one (ADR 0003). */
export async function openEventLog(
  config: EventLogConfig,
  logger: Logger,
  metrics: Metrics = createMetrics('event-log'),
): Promise<EventLog> {
  if (config.kafka) return openKafka(config.kafka, logger, metrics)
  const url = config.url ?? databaseUrl(config.serverUrl, LOG_DATABASE)
  return openPostgresLog({
    url,
    metrics,
    onError: (error) => logger.warn({ err: error }, 'a connection to the event log broke'),
  })
}

async function openKafka(
  settings: KafkaSettings,
  logger: Logger,
  metrics: Metrics,
): Promise<EventLog> {
  const { prefix = '' } = settings
  const topics = Object.values(TOPICS).map((topic) => prefix + topic)
  const log = await openKafkaLog({ settings, logger, metrics, topics })
  return prefix === '' ? log : withPrefix(log, prefix)
}

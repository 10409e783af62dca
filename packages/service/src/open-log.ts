import type { DatabaseSettings } from '@caudal/config/service-settings.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { openEventLog } from '@caudal/event-log/open-event-log.ts'
import { checkOutboxLog } from '@caudal/outbox/check-outbox-log.ts'
import { type Relay, startRelay } from '@caudal/outbox/relay.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { ServiceParts } from './start-service.ts'
import { toKafkaSettings } from './to-kafka-settings.ts'

/** How long a stop waits for the outbox. The rest is published after the next start. */
const DRAIN_TIMEOUT_MS = 2_000

/** Opens the event log that the service's configuration names. */
export async function openLog(
  { databaseUrl, logDatabaseUrl, kafka }: DatabaseSettings,
  { logger, metrics, started }: ServiceParts,
): Promise<EventLog> {
  const log = await openEventLog(
    {
      serverUrl: databaseUrl,
      url: logDatabaseUrl,
      ...(kafka && { kafka: toKafkaSettings(kafka) }),
    },
    logger,
    metrics,
  )
  started(() => log.close())
  return log
}

/**
 * Starts the relay of the service's outbox. A stop waits briefly for the outbox to empty (F3).
 *
 * @throws {EventLogError} when the outbox was published to another log before
 */
export async function openRelay(
  { name, db, log }: { name: string; db: Db; log: EventLog },
  { databaseUrl: url }: DatabaseSettings,
  { logger, metrics, started }: ServiceParts,
): Promise<Relay> {
  await checkOutboxLog(db, log, name)
  const relay = startRelay({ url, log, logger, metrics })
  started(async () => {
    await relay.drained(DRAIN_TIMEOUT_MS)
    await relay.stop()
  })
  return relay
}

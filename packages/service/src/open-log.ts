import type { DatabaseSettings } from '@caudal/config/service-settings.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { openEventLog } from '@caudal/event-log/open-event-log.ts'
import { type Relay, startRelay } from '@caudal/outbox/relay.ts'
import { kafkaSettings } from './kafka-settings.ts'
import type { ServiceParts } from './start-service.ts'

/** How long a stop waits for the outbox. The rest is published after the next start. */
const DRAIN_TIMEOUT_MS = 2_000

/** Opens the event log that the service's configuration names. */
export async function openLog(
  { databaseUrl, logDatabaseUrl, migrationUrl, kafka }: DatabaseSettings,
  { logger, metrics, started }: ServiceParts,
): Promise<EventLog> {
  const log = await openEventLog(
    {
      serverUrl: databaseUrl,
      url: logDatabaseUrl,
      ...(migrationUrl !== undefined && { migrationUrl }),
      ...(kafka && { kafka: kafkaSettings(kafka) }),
    },
    logger,
    metrics,
  )
  started(() => log.close())
  return log
}

/** Starts the relay of the service's outbox. A stop waits briefly for the outbox to empty (F3). */
export function openRelay(
  { databaseUrl: url }: DatabaseSettings,
  log: EventLog,
  { logger, metrics, started }: ServiceParts,
): Relay {
  const relay = startRelay({ url, log, logger, metrics })
  started(async () => {
    await relay.drained(DRAIN_TIMEOUT_MS)
    await relay.stop()
  })
  return relay
}

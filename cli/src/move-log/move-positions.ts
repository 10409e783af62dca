import { checkPositions } from '@caudal/event-log/check-positions.ts'
import { LOCAL_SOURCE } from '@caudal/event-log/consumer-id.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import type { LogId, LogIds } from '@caudal/event-log/log-identity.ts'
import { checkOutboxLog } from '@caudal/outbox/check-outbox-log.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { isMissingDatabase } from '@caudal/postgres/errors.ts'
import { sql } from '@caudal/postgres/sql.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { CONSUMERS, PUBLISHERS } from '../verify/outbox-checks.ts'
import type { StoppedSystem } from './stopped-system.ts'

/**
 * Checks that all positions and outboxes of a service are of this log, as its start does. Those of
 * release 0.1.0 adopt it.
 *
 * @throws {EventLogError} OTHER_LOG or OFFSET_OUT_OF_RANGE
 */
export async function checkService(
  system: StoppedSystem,
  service: string,
  log: EventLog,
): Promise<void> {
  await withDatabase(system, service, async (db) => {
    if (isOneOf(CONSUMERS, service)) {
      const { rows } = await db.query<{ topic: string }>(sql`
        SELECT DISTINCT topic FROM consumer_offsets
        WHERE consumer_group = ${service} AND source = ${LOCAL_SOURCE}`)
      const topics = rows.map(({ topic }) => topic)
      await checkPositions(db, log, { group: service, source: LOCAL_SOURCE }, topics)
    }
    if (isOneOf(PUBLISHERS, service)) await checkOutboxLog(db, log, service)
  })
}

/** Lets the positions and the outbox of a service point into the other log, at the same offsets. */
export async function movePositions(
  system: StoppedSystem,
  service: string,
  { from, to }: { from: LogId; to: LogIds },
): Promise<void> {
  const topics = [...to.keys()]
  const moves = sql`unnest(
      ${topics}::text[],
      ${topics.map((topic) => to.get(topic)!)}::text[]
    ) AS m(topic, to_id)`
  await withDatabase(system, service, (db) =>
    transaction(db, async (tx) => {
      if (isOneOf(CONSUMERS, service)) {
        await tx.query(sql`
          UPDATE consumer_logs l SET log_id = m.to_id, identified_at = now() FROM ${moves}
          WHERE l.source = ${LOCAL_SOURCE} AND l.topic = m.topic AND l.log_id = ${from}`)
      }
      if (isOneOf(PUBLISHERS, service)) {
        await tx.query(sql`
          UPDATE outbox_logs l SET log_id = m.to_id, identified_at = now() FROM ${moves}
          WHERE l.topic = m.topic AND l.log_id = ${from}`)
      }
    }),
  )
}

/** The services that have a database here; a system may consist of some services only. */
export async function servicesWithDatabases(system: StoppedSystem): Promise<string[]> {
  const services = [...new Set<string>([...PUBLISHERS, ...CONSUMERS])]
  const found = await Promise.all(
    services.map((service) =>
      withDatabase(system, service, (db) => db.query('SELECT 1')).then(
        () => [service],
        (error: unknown) => {
          if (isMissingDatabase(error)) return []
          throw error
        },
      ),
    ),
  )
  return found.flat()
}

/** PostgreSQL's undefined_table. */
const NO_TABLE = '42P01'

function isOneOf(services: readonly string[], service: string): boolean {
  return services.includes(service)
}

async function withDatabase<T>(
  system: StoppedSystem,
  service: string,
  work: (db: Db) => Promise<T>,
): Promise<T> {
  const url = system.databaseUrl(`caudal_${service}`)
  const db = createPool({ url, applicationName: 'caudal-move-log', max: 1 })
  try {
    return await work(db)
  } catch (error) {
    if ((error as { code?: unknown }).code !== NO_TABLE) throw error
    const message =
      `the database of ${service} is of an earlier release: start this release once without ` +
      'KAFKA_BROKERS, stop it, and run the command again'
    throw new Error(message, { cause: error })
  } finally {
    await db.end()
  }
}

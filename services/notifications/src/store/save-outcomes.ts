import { crashPoint } from '@caudal/crash-points/crash-point.ts'
import { intArray, textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type DeliveryDecision, type DeviceOutcome, statusOf } from '../domain/decide-delivery.ts'
import { channelOf } from '../domain/notification.ts'

/** The outcome of one try of one notification. */
export type TriedNotification = {
  /** Of the notification. */
  key: string
  attempt: number
  decision: DeliveryDecision
  devices: readonly DeviceOutcome[]
}

/** Records the tries of many notifications in one statement. */
export async function saveOutcomes(db: Db, tried: readonly TriedNotification[]): Promise<void> {
  for (const batch of withoutRepeats(tried)) await save(db, batch)
}

/**
 * Two tries of one notification can end together if the first outlasted its lease. They are saved
 * one after the other, because a statement changes a row only once.
 */
function withoutRepeats(tried: readonly TriedNotification[]): TriedNotification[][] {
  const batches: Map<string, TriedNotification>[] = []
  for (const one of tried) {
    const free = batches.find((batch) => !batch.has(one.key))
    if (free) free.set(one.key, one)
    else batches.push(new Map([[one.key, one]]))
  }
  return batches.map((batch) => [...batch.values()])
}

async function save(db: Db, tried: readonly TriedNotification[]): Promise<void> {
  const devices = tried.flatMap(({ key, devices: outcomes }) =>
    outcomes.map(({ device, outcome }) => ({ key, device, outcome })),
  )
  // One statement, so one transaction; rows are locked in sorted order (rule 6). The decision
  // counts if no other instance has claimed the notification since. A delivery is
  // a fact, whichever instance reports it, so SENT always counts and is final.
  const statement = sql`
    WITH tried AS (
      SELECT * FROM unnest(
        ${uuidArray(tried, (it) => it.key)}::uuid[],
        ${intArray(tried, (it) => it.attempt)}::int[],
        ${textArray(tried, (it) => it.decision.status)}::text[],
        ${intArray(tried, (it) => it.decision.retryInMs)}::int[],
        ${intArray(tried, (it) => it.decision.failures)}::int[],
        ${textArray(tried, (it) => it.decision.detail)}::text[]
      ) AS t(payment_id, attempt, status, retry_in_ms, failures, detail)
    ), held AS (
      SELECT n.payment_id FROM notifications n JOIN tried USING (payment_id)
      ORDER BY n.payment_id
      FOR UPDATE OF n
    ), answered AS (
      INSERT INTO deliveries AS d (payment_id, device_id, channel, status, error)
      SELECT a.* FROM unnest(
        ${uuidArray(devices, (it) => it.key)}::uuid[],
        ${uuidArray(devices, (it) => it.device.deviceId)}::uuid[],
        ${textArray(devices, (it) => channelOf(it.device))}::text[],
        ${textArray(devices, (it) => statusOf(it.outcome))}::text[],
        ${textArray(devices, (it) => ('error' in it.outcome ? it.outcome.error : null))}::text[]
      ) AS a(payment_id, device_id, channel, status, error)
      JOIN held USING (payment_id)
      ORDER BY a.payment_id, a.device_id
      ON CONFLICT ON CONSTRAINT deliveries_one_per_device DO UPDATE
        SET status = excluded.status, error = excluded.error, attempts = d.attempts + 1,
          updated_at = statement_timestamp()
        WHERE d.status = 'RETRYING' OR excluded.status = 'DELIVERED'
    )
    UPDATE notifications n
    SET status = t.status, failures = t.failures, detail = t.detail,
      tried_at = statement_timestamp(),
      due_at = statement_timestamp() + t.retry_in_ms * interval '1 ms',
      ended_at = CASE WHEN t.status <> 'PENDING' THEN statement_timestamp() END
    FROM tried t JOIN held USING (payment_id)
    WHERE n.payment_id = t.payment_id
      AND (n.status = 'PENDING' AND n.attempts = t.attempt OR
        n.status <> 'SENT' AND t.status = 'SENT')`
  crashPoint('before', 'deliveries')
  await db.query(named('save-outcomes', statement))
  crashPoint('after', 'deliveries')
}

import type { Db } from '@caudal/postgres/types.ts'
import type { DeliveryDecision, DeviceOutcome, PushOutcome } from '../domain/decide-delivery.ts'
import { channelOf } from '../domain/notification.ts'

/** What became of one try of one notification. */
export type TriedNotification = {
  paymentId: string
  decision: DeliveryDecision
  devices: readonly DeviceOutcome[]
}

const DELIVERY_STATUS = {
  delivered: 'DELIVERED',
  dead_device: 'DEAD_DEVICE',
  rejected: 'REJECTED',
  retry: 'RETRYING',
} satisfies Record<PushOutcome['kind'], string>

// One statement, so one transaction. A notification that has ended stays ended: a late answer of an
// instance that lost its lease changes the device's row at most.
const SAVE = `
  WITH told AS (
    INSERT INTO deliveries AS d (payment_id, device_id, channel, status, error)
    SELECT * FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[])
      AS n(payment_id, device_id, channel, status, error)
    ORDER BY payment_id, device_id
    ON CONFLICT ON CONSTRAINT deliveries_one_per_device DO UPDATE
      SET status = excluded.status, error = excluded.error, attempts = d.attempts + 1,
        updated_at = statement_timestamp()
      WHERE d.status = 'RETRYING'
  )
  UPDATE notifications n
  SET status = t.status, detail = t.detail,
    due_at = statement_timestamp() + t.retry_in_ms * interval '1 ms',
    ended_at = CASE WHEN t.status <> 'PENDING' THEN statement_timestamp() END
  FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[]) AS t(payment_id, status, retry_in_ms,
    detail)
  WHERE n.payment_id = t.payment_id AND n.status = 'PENDING'`

/** Records the tries of many notifications in one statement. */
export async function saveOutcomes(db: Db, tried: readonly TriedNotification[]): Promise<void> {
  const devices = tried.flatMap(({ paymentId, devices: told }) =>
    told.map(({ device, outcome }) => ({ paymentId, device, outcome })),
  )
  await db.query({
    name: 'save-outcomes',
    text: SAVE,
    values: [
      tried.map((it) => it.paymentId),
      tried.map((it) => it.decision.status),
      tried.map((it) => it.decision.retryInMs),
      tried.map((it) => it.decision.detail),
      devices.map((it) => it.paymentId),
      devices.map((it) => it.device.deviceId),
      devices.map((it) => channelOf(it.device)),
      devices.map((it) => DELIVERY_STATUS[it.outcome.kind]),
      devices.map((it) => ('error' in it.outcome ? it.outcome.error : null)),
    ],
  })
}

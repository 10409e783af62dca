import type { NamedPayment, PaymentStep } from '@caudal/contracts/payment-steps.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { isPaymentEnd, type NotifiedOutcome } from '../domain/notification.ts'

type Row = {
  status: string
  at: Date | null
  detail: string | null
  outcome: string
  object_id: string | null
}

const STEPS: Record<string, string> = {
  SENT: 'notification.sent',
  NO_DEVICE: 'notification.no_device',
  FAILED: 'notification.failed',
  TOO_OLD: 'notification.too_old',
  PENDING: 'notification.retrying',
}

/**
 * The steps of a payment of the tenant, those of its refunds and returns too; none of a
 * notification before its first try has ended.
 */
export async function listDeliverySteps(
  db: Db,
  { tenantId, paymentId }: NamedPayment,
): Promise<PaymentStep[]> {
  const { rows } = await db.query<Row>(
    `SELECT n.status, n.outcome, n.object_id, coalesce(n.ended_at, n.tried_at) AS at,
       coalesce(n.detail, (
         SELECT string_agg(d.channel || ' ' || lower(d.status), ', ' ORDER BY d.device_id)
         FROM deliveries d WHERE d.payment_id = n.payment_id
       )) AS detail
     FROM notifications n
     WHERE (n.payment_id = $1 OR n.of_payment_id = $1) AND n.tenant_id = $2
     ORDER BY at`,
    [paymentId, tenantId],
  )
  return rows.flatMap(({ at, ...row }) =>
    at ? [{ at: at.toISOString(), step: STEPS[row.status]!, detail: detailOf(row) }] : [],
  )
}

/** The end of a payment needs no name beside its own steps. */
function detailOf({ outcome, object_id, detail }: Omit<Row, 'at'>): string | null {
  if (isPaymentEnd(outcome as NotifiedOutcome)) return detail
  const about = object_id === null ? outcome : `${outcome} ${object_id}`
  return detail === null ? about : `${about}: ${detail}`
}

import type { NamedPayment, PaymentStep } from '@caudal/contracts/payment-steps.ts'
import type { Db } from '@caudal/postgres/types.ts'

type Row = { status: string; at: Date | null; detail: string | null }

const STEPS: Record<string, string> = {
  SENT: 'notification.sent',
  NO_DEVICE: 'notification.no_device',
  FAILED: 'notification.failed',
  TOO_OLD: 'notification.too_old',
  PENDING: 'notification.retrying',
}

/** The steps of a payment of the tenant; none before the first try has ended. */
export async function listDeliverySteps(
  db: Db,
  { tenantId, paymentId }: NamedPayment,
): Promise<PaymentStep[]> {
  const { rows } = await db.query<Row>(
    `SELECT n.status, coalesce(n.ended_at, n.tried_at) AS at,
       coalesce(n.detail, (
         SELECT string_agg(d.channel || ' ' || lower(d.status), ', ' ORDER BY d.device_id)
         FROM deliveries d WHERE d.payment_id = n.payment_id
       )) AS detail
     FROM notifications n WHERE n.payment_id = $1 AND n.tenant_id = $2`,
    [paymentId, tenantId],
  )
  return rows.flatMap(({ status, at, detail }) =>
    at ? [{ at: at.toISOString(), step: STEPS[status]!, detail }] : [],
  )
}

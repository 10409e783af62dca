import type { NamedPayment } from '@caudal/contracts/payment-steps.ts'
import type { WalletReason } from '@caudal/contracts/reasons.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { HoldStatus } from '../../ledger/domain/hold.ts'
import type { HoldHistory } from '../hold-history.ts'

type Row = {
  hold_id: string
  payment_id: string
  account_id: string
  tenant_id: string
  currency: string
  amount_minor: bigint
  remaining_minor: bigint
  status: HoldStatus
  refused_for: WalletReason | null
  created_at: Date
  changed_at: Date
}

/** The hold of a payment of the tenant, or its refusal. */
export async function findPaymentHold(
  db: Db,
  { tenantId, paymentId }: NamedPayment,
): Promise<HoldHistory | undefined> {
  const { rows } = await db.query<Row>({
    name: 'find-payment-hold',
    text: `SELECT hold_id, payment_id, account_id, tenant_id, currency, amount_minor,
             remaining_minor, status, refused_for, created_at, changed_at
           FROM holds WHERE hold_key = $1 AND payment_id = $1 AND tenant_id = $2`,
    values: [paymentId, tenantId],
  })
  const [row] = rows
  if (row === undefined) return undefined
  return {
    holdId: row.hold_id,
    paymentId: row.payment_id,
    clientId: null,
    accountId: row.account_id,
    tenantId: row.tenant_id,
    currency: row.currency,
    amountMinor: row.amount_minor,
    remainingMinor: row.remaining_minor,
    status: row.status,
    refusedFor: row.refused_for,
    expiresAtMs: null,
    createdAt: row.created_at,
    changedAt: row.changed_at,
  }
}

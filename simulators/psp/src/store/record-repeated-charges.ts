import { bigintArray, textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import {
  insertCallbacks,
  type NewCallback,
} from '@caudal/simulator-kit/callbacks/callback-table.ts'

/** A charge beyond the first of a payment. */
export interface RepeatedCharge {
  paymentId: string
  gatewayTransactionId: string
  amountMinor: bigint
  currency: string
  accountNumber: string
}

/** Stores the charges and their callbacks in one statement. */
export async function recordRepeatedCharges(
  db: Db,
  charges: readonly RepeatedCharge[],
  callbacks: readonly NewCallback[],
): Promise<void> {
  await db.query(sql`
    WITH reported AS (${insertCallbacks(callbacks)})
    INSERT INTO repeated_charges (
      gateway_transaction_id, payment_id, amount_minor, currency, destination_account_number
    )
    SELECT * FROM unnest(
      ${uuidArray(charges, (charge) => charge.gatewayTransactionId)}::uuid[],
      ${uuidArray(charges, (charge) => charge.paymentId)}::uuid[],
      ${bigintArray(charges, (charge) => charge.amountMinor)}::bigint[],
      ${textArray(charges, (charge) => charge.currency)}::text[],
      ${textArray(charges, (charge) => charge.accountNumber)}::text[]
    )`)
}

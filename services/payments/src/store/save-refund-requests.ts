import type { BoundKey } from '@caudal/idempotency/bound-key.ts'
import { insertKeys } from '@caudal/idempotency/insert-keys.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Refund } from '../domain/refund.ts'
import { insertRefunds } from './insert-refunds.ts'
import { REFUND_KEYS } from './refund-keys.ts'

/** The unique key that decides who was first: after a violation the batch is decided again. */
export const REFUND_KEY_CONSTRAINT = 'refund_keys_are_bound_once'

/** Binds the keys and inserts the refunds, in one statement. */
export async function saveRefundRequests(
  tx: Tx,
  keys: readonly BoundKey[],
  refunds: readonly Refund[],
): Promise<void> {
  await tx.query(sql`
    WITH bound AS (${insertKeys(REFUND_KEYS, keys)}
    )${insertRefunds(refunds)}`)
}

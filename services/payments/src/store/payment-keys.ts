import type { KeyTable } from '@caudal/idempotency/key-table.ts'
import { raw } from '@caudal/postgres/sql.ts'

/** The service's idempotency keys: each belongs to the user that the payment is made for. */
export const PAYMENT_KEYS: KeyTable = {
  table: raw('idempotency_keys'),
  principal: { name: raw('user_id'), type: 'uuid' },
  keyType: 'uuid',
  status: raw('http_status'),
  resource: raw('payment_id'),
}

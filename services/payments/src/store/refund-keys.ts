import type { KeyTable } from '@caudal/idempotency/key-table.ts'
import { raw } from '@caudal/postgres/sql.ts'

/** The idempotency keys of refunds: each belongs to the client that chose it. */
export const REFUND_KEYS: KeyTable = {
  table: raw('refund_keys'),
  principal: { name: raw('client_id'), type: 'text' },
  keyType: 'uuid',
  status: raw('http_status'),
  resource: raw('refund_id'),
}

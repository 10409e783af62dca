import type { KeyTable } from '@caudal/idempotency/key-table.ts'
import { raw } from '@caudal/postgres/sql.ts'

/** The service's idempotency keys: each belongs to the client that chose it. */
export const WALLET_KEYS: KeyTable = {
  table: raw('idempotency_keys'),
  principal: { name: raw('client_id'), type: 'text' },
  keyType: 'text',
  status: raw('status'),
  resource: null,
}

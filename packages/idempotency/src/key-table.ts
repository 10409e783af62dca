import { raw, type Sql } from '@caudal/postgres/sql.ts'

/** A column of a key table: its name, a constant of the code, and its type. */
export interface KeyColumn {
  name: Sql
  type: 'uuid' | 'text'
}

/**
 * How a service's table of idempotency keys is named and shaped. Every one has the columns
 * `created_at`, `tenant_id`, `idempotency_key`, `fingerprint` (bytea, SHA-256) and `body`, and a
 * unique key over tenant, principal and idempotency key.
 */
export interface KeyTable {
  table: Sql
  /** Whose keys they are: the user or the client. */
  principal: KeyColumn
  keyType: KeyColumn['type']
  /** HTTP status of the answer. */
  status: Sql
  /** UUID of what the command created; null where the table has no such column. */
  resource: Sql | null
}

/** The table of `idempotencyMigrations`, for services that have none of their own. */
export const STANDARD_KEYS: KeyTable = {
  table: raw('idempotency_keys'),
  principal: { name: raw('principal_id'), type: 'text' },
  keyType: 'text',
  status: raw('status'),
  resource: raw('resource_id'),
}

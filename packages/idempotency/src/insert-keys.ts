import { hexArray, smallintArray, textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { raw, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { BoundKey } from './bound-key.ts'
import type { KeyColumn, KeyTable } from './key-table.ts'
import { typedArray } from './typed-array.ts'

/**
 * The INSERT that binds keys to their answers, to be one part of the statement that writes the
 * effects too. It assumes that the keys are new: if one is bound, the unique index rejects the
 * statement, and the batch is decided again after a lookup. Keys are inserted in a fixed order, so
 * that processes which bind the same ones wait for each other instead of deadlocking.
 */
export function insertKeys(
  { table, principal, keyType, status, resource }: KeyTable,
  keys: readonly BoundKey[],
  createdAt?: Date,
): Sql {
  const principals = typedArray(principal.type, keys, (key) => key.principalId)
  const names = typedArray(keyType, keys, (key) => key.idempotencyKey)
  const [into, from, values] =
    resource === null
      ? [sql``, sql``, sql``]
      : [
          sql`, ${resource}`,
          sql`, resource_id`,
          sql`, ${uuidArray(keys, (key) => key.resourceId)}::uuid[]`,
        ]
  const at = createdAt === undefined ? sql`now()` : sql`${createdAt}::timestamptz`
  return sql`
    INSERT INTO ${table} (created_at, tenant_id, ${principal.name}, idempotency_key, fingerprint,
      ${status}, body${into})
    SELECT ${at}, tenant_id, principal_id, idempotency_key, fingerprint, status, body${from}
    FROM unnest(
      ${textArray(keys, (key) => key.tenantId)}::text[],
      ${principals},
      ${names},
      ${hexArray(keys, (key) => key.fingerprint)}::bytea[],
      ${smallintArray(keys, (key) => key.status)}::smallint[],
      ${textArray(keys, (key) => key.body)}::text[]${values}
    ) AS k(tenant_id, principal_id, idempotency_key, fingerprint, status, body${from})
    ORDER BY idempotency_key${collation(keyType)}, principal_id${collation(principal.type)},
      tenant_id COLLATE "C"`
}

function collation(type: KeyColumn['type']): Sql {
  return type === 'text' ? raw(' COLLATE "C"') : sql``
}

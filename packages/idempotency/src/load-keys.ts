import { textArray } from '@caudal/postgres/array-parameter.ts'
import { raw, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import type { BoundAnswer, KeyScope } from './bound-key.ts'
import type { KeyTable } from './key-table.ts'
import { typedArray } from './typed-array.ts'

/**
 * The subquery that finds one key, for `LATERAL` in a statement that looks up more: columns
 * `fingerprint` (hexadecimal digits), `status`, `body`, `resource_id`. LIMIT makes each lookup one
 * walk down the index, however large the table and the batch are.
 */
export function lookUpKey(
  { table, principal, status, resource }: KeyTable,
  of: { tenantId: Sql; principalId: Sql; idempotencyKey: Sql },
): Sql {
  const resourceId = resource === null ? raw('NULL::uuid') : sql`i.${resource}`
  return sql`
      SELECT encode(i.fingerprint, 'hex') AS fingerprint, i.${status} AS status, i.body,
        ${resourceId} AS resource_id
      FROM ${table} i
      WHERE i.${principal.name} = ${of.principalId} AND i.idempotency_key = ${of.idempotencyKey}
        AND i.tenant_id = ${of.tenantId}
      LIMIT 1`
}

/**
 * The SELECT that finds the keys that are bound, as part of a larger statement: `position` (from 1)
 * of the key in `keys` and the columns of `lookUpKey`.
 */
export function selectKeys(table: KeyTable, keys: readonly KeyScope[]): Sql {
  const lookup = lookUpKey(table, {
    tenantId: raw('w.tenant_id'),
    principalId: raw('w.principal_id'),
    idempotencyKey: raw('w.idempotency_key'),
  })
  return sql`
    SELECT w.position, k.fingerprint, k.status, k.body, k.resource_id
    FROM unnest(
      ${textArray(keys, (key) => key.tenantId)}::text[],
      ${typedArray(table.principal.type, keys, (key) => key.principalId)},
      ${typedArray(table.keyType, keys, (key) => key.idempotencyKey)}
    ) WITH ORDINALITY AS w(tenant_id, principal_id, idempotency_key, position)
    CROSS JOIN LATERAL (${lookup}
    ) k`
}

type Row = {
  position: bigint
  fingerprint: string
  status: number
  body: string
  resource_id: string | null
}

/** The answer that each key is bound to, in the keys' order; undefined for a key that is new. */
export async function loadKeys(
  db: Db | Tx,
  table: KeyTable,
  keys: readonly KeyScope[],
): Promise<(BoundAnswer | undefined)[]> {
  const answers: (BoundAnswer | undefined)[] = keys.map(() => undefined)
  if (keys.length === 0) return answers
  const { rows } = await db.query<Row>(selectKeys(table, keys))
  for (const { position, fingerprint, status, body, resource_id: resourceId } of rows) {
    answers[Number(position) - 1] = { fingerprint, status, body, resourceId }
  }
  return answers
}

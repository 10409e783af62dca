import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Reader } from '@caudal/postgres/types.ts'
import type { DecidedMovement } from '../domain/movement.ts'

/** A stored movement, the last generation of it. */
export interface FoundMovement extends DecidedMovement {
  /** SHA-256 of the decided request, in hex. */
  fingerprint: string
  generation: number
}

/** The key of a movement: refunds and voids may have the same ids. */
export function movementKey({ kind, movementId }: { kind: string; movementId: string }): string {
  return `${kind} ${movementId}`
}

/** Finds the movements that have a verdict, by `movementKey`. Ids are in lower case. */
export async function findMovements(
  db: Reader,
  movementIds: readonly string[],
): Promise<Map<string, FoundMovement>> {
  const { rows } = await db.query<FoundMovement>(sql`
    SELECT DISTINCT ON (kind, movement_id) kind, movement_id AS "movementId",
      payment_id AS "paymentId", encode(fingerprint, 'hex') AS fingerprint, generation, verdict,
      error_code AS "errorCode", gateway_movement_id AS "gatewayMovementId",
      amount_minor AS "amountMinor", currency
    FROM movements
    WHERE movement_id = ANY (${uuidArray(movementIds, (id) => id)}::uuid[])
    ORDER BY kind, movement_id, generation DESC`)
  return new Map(rows.map((row) => [movementKey(row), row]))
}

import { textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Reader } from '@caudal/postgres/types.ts'
import type { Transfer } from '../domain/transfer.ts'
import { TRANSFER_COLUMNS } from './transfer-columns.ts'

/** A transfer and the key that made it. */
export interface KeyedTransfer extends Transfer {
  key: string
  /** SHA-256 of the fields that made it, in hex. */
  fingerprint: string
}

/** Finds the last transfer of each key that the bank still remembers. */
export async function findByKeys(
  db: Reader,
  keys: readonly string[],
  keyMs: number,
): Promise<Map<string, KeyedTransfer>> {
  const { rows } = await db.query<KeyedTransfer>(sql`
    SELECT DISTINCT ON (t.request_key) ${TRANSFER_COLUMNS}, t.request_key AS key,
      encode(t.fingerprint, 'hex') AS fingerprint
    FROM transfers AS t
    WHERE t.request_key = ANY (${uuidArray(keys, (key) => key)}::uuid[])
      AND t.received_at > clock_timestamp() - ${keyMs}::float8 * interval '1 millisecond'
    ORDER BY t.request_key, t.sequence DESC`)
  return new Map(rows.map((row) => [row.key, row]))
}

/** Finds transfers by the bank's ids. */
export async function findByIds(
  db: Reader,
  transferIds: readonly string[],
): Promise<Map<string, Transfer>> {
  if (transferIds.length === 0) return new Map()
  const { rows } = await db.query<Transfer>(sql`
    SELECT ${TRANSFER_COLUMNS} FROM transfers AS t
    WHERE t.transfer_id = ANY (${textArray(transferIds, (id) => id)}::text[])`)
  return new Map(rows.map((row) => [row.transferId, row]))
}

/** Finds the first settled payment of a client's id; undefined if there is none. */
export async function findPayment(db: Reader, ref: string): Promise<Transfer | undefined> {
  const { rows } = await db.query<Transfer>(sql`
    SELECT ${TRANSFER_COLUMNS} FROM transfers AS t
    WHERE t.ref = ${ref} AND t.kind = 'pay' AND t.state IN ('settled', 'reversed')
    ORDER BY t.sequence LIMIT 1`)
  return rows[0]
}

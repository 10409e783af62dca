import { sql } from '@caudal/postgres/sql.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'

/** How a dispute of the payer stands. */
export type DisputeState = 'opened' | 'won' | 'lost'

/** A dispute, as the bank has it. */
export interface BankDispute {
  /** Ascends in the order in which the disputes were opened. */
  sequence: bigint
  disputeId: string
  /** The bank's id, as its callbacks have it. */
  gatewayId: string
  paymentId: string
  amountMinor: bigint
  currency: string
  reason: string
  state: DisputeState
}

const COLUMNS = sql`sequence, dispute_id AS "disputeId", gateway_id AS "gatewayId",
  payment_id AS "paymentId", amount_minor AS "amountMinor", currency, reason, state`

/** Stores an open dispute. */
export async function insertDispute(
  tx: Tx,
  dispute: Omit<BankDispute, 'sequence' | 'state'>,
): Promise<BankDispute> {
  const { disputeId, gatewayId, paymentId, amountMinor, currency, reason } = dispute
  const { rows } = await tx.query<BankDispute>(sql`
    INSERT INTO disputes (dispute_id, gateway_id, payment_id, amount_minor, currency, reason)
    VALUES (${disputeId}, ${gatewayId}, ${paymentId}, ${amountMinor}, ${currency}, ${reason})
    RETURNING ${COLUMNS}`)
  return rows[0]!
}

/** Locks a dispute until the transaction ends; undefined if there is none. */
export async function lockDispute(tx: Tx, disputeId: string): Promise<BankDispute | undefined> {
  const { rows } = await tx.query<BankDispute>(sql`
    SELECT ${COLUMNS} FROM disputes WHERE dispute_id = ${disputeId} FOR UPDATE`)
  return rows[0]
}

/** Stores how a dispute ended. */
export async function endDispute(tx: Tx, { disputeId, state }: BankDispute): Promise<void> {
  await tx.query(sql`
    UPDATE disputes SET state = ${state}, closed_at = now() WHERE dispute_id = ${disputeId}`)
}

/** Lists at most `limit` disputes, in the order in which they were opened. */
export async function listDisputes(
  db: Db,
  { paymentId, after, limit }: { paymentId: string | null; after: bigint | null; limit: number },
): Promise<BankDispute[]> {
  const { rows } = await db.query<BankDispute>(sql`
    SELECT ${COLUMNS} FROM disputes
    WHERE (${paymentId}::uuid IS NULL OR payment_id = ${paymentId})
      AND (${after}::bigint IS NULL OR sequence > ${after})
    ORDER BY sequence
    LIMIT ${limit}`)
  return rows
}

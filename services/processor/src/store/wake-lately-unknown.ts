import { named, sql } from '@caudal/postgres/sql.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { isUnasked } from '../domain/callback-fact.ts'
import { factOf, type StoredFact } from './fact-text.ts'
import { findByPspId, nameOfId } from './find-by-psp-id.ts'
import { OPERATIONS, PAYMENTS } from './operation-tables.ts'
import { isAboutUnknown, type PspName, wakeFactsOf } from './wake-facts.ts'

/** Longer than any transaction of the service. */
const LATELY = '5 minutes'

/**
 * Makes facts due again that were finished as unknown while another transaction stored the id that
 * they name: neither of the two saw the other. Returns whether there are any.
 */
export async function wakeLatelyUnknown(db: Db): Promise<boolean> {
  return transaction(db, async (tx) => wakeFactsOf(tx, await findMissed(tx)))
}

type Row = { psp: string; key: string; fact: StoredFact; payment_id: string | null }

/** The ids that are known by now. A fact with its payment needs that of the operation. */
async function findMissed(tx: Tx): Promise<PspName[]> {
  const statement = sql`
    SELECT psp, key, fact, payment_id FROM callback_facts f
    WHERE ${isAboutUnknown} AND applied_at > statement_timestamp() - ${LATELY}::interval
      AND state IN ('PARKED', 'APPLIED')`
  const { rows } = await tx.query<Row>(named('find-lately-unknown', statement))
  const lately = rows.map((row) => ({ ...row, fact: factOf(row.key, row.fact) }))
  const found = await findByPspId(tx, lately)
  return lately.flatMap(({ psp, fact, payment_id: paymentId }) => {
    const { kind, itsId, paymentItsId } = fact
    const table = kind === 'pay' ? PAYMENTS : OPERATIONS
    const names = [
      ...(isUnasked(fact) || itsId === null ? [] : [{ table, psp, itsId }]),
      ...(paymentId !== null || paymentItsId === null
        ? []
        : [{ table: PAYMENTS, psp, itsId: paymentItsId }]),
    ]
    return names.filter((name) => found.has(nameOfId(name)))
  })
}

import { sql } from '@caudal/postgres/sql.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { FactKey } from './claim-facts.ts'
import { finishCallbacks } from './finish-facts.ts'

/** Parks a fact that is not applied yet, so that it does not stop the others. */
export async function parkFact(
  db: Db,
  { psp, account, key }: FactKey,
  cause: string,
): Promise<void> {
  await transaction(db, async (tx) => {
    const { rows } = await tx.query<{ callback_id: string }>(sql`
      UPDATE callback_facts
      SET state = 'PARKED', cause = ${cause}, due_at = NULL, applied_at = statement_timestamp()
      WHERE psp = ${psp} AND psp_account = ${account} AND key = ${key} AND state = 'RECEIVED'
      RETURNING callback_id`)
    await finishCallbacks(
      tx,
      rows.map((row) => row.callback_id),
    )
  })
}

import type { Db } from '@caudal/postgres/types.ts'
import type { AccountKind, Balance } from '../../ledger/domain/account.ts'
import type { CorrectionMark } from '../../ledger/domain/correction.ts'
import type { TransferDetails, TransferEntry } from '../history.ts'

interface Row {
  transfer_id: string
  kind: string
  reference_id: string
  reason: string
  client_id: string | null
  payment_id: string | null
  hold_id: string | null
  value_date: string
  booked_at: Date
  corrects_id: string | null
  correction: CorrectionMark | null
  policy_version: string | null
  corrected_by: string[]
}

interface EntryRow {
  line: number
  account_id: string
  kind: AccountKind
  currency: string
  balance: Balance
  amount_minor: bigint
  balance_after_minor: string
  account_version: bigint
}

/** A transfer of the tenant with its entries, in the order of their lines. */
export async function findTransfer(
  db: Db,
  { tenantId, transferId }: { tenantId: string; transferId: string },
): Promise<TransferDetails | undefined> {
  const { rows } = await db.query<Row>({
    name: 'find-transfer',
    text: `SELECT transfer_id, kind, reference_id, reason, client_id, payment_id, hold_id,
             value_date::text AS value_date, booked_at, corrects_id, correction,
             policy_version,
             ARRAY(SELECT c.transfer_id::text FROM transfers c
                   WHERE c.corrects_id = t.transfer_id ORDER BY c.booked_at, c.transfer_id)
               AS corrected_by
           FROM transfers t WHERE transfer_id = $1 AND tenant_id = $2`,
    values: [transferId, tenantId],
  })
  const [row] = rows
  if (row === undefined) return undefined
  return {
    transferId: row.transfer_id,
    kind: row.kind,
    referenceId: row.reference_id,
    reason: row.reason,
    clientId: row.client_id,
    paymentId: row.payment_id,
    holdId: row.hold_id,
    valueDate: row.value_date,
    bookedAt: row.booked_at,
    correctsId: row.corrects_id,
    correction: row.correction,
    policyVersion: row.policy_version,
    correctedBy: row.corrected_by,
    entries: await entriesOf(db, row),
  }
}

// Entries have no index by transfer; by the time of booking the few blocks that they can be in are
// known. The accounts come afterwards: their index would be read from end to end.
async function entriesOf(db: Db, { transfer_id, booked_at }: Row): Promise<TransferEntry[]> {
  const { rows } = await db.query<EntryRow>({
    name: 'find-transfer-entries',
    text: `WITH own AS MATERIALIZED (
             SELECT * FROM entries WHERE transfer_id = $1 AND booked_at = $2
           )
           SELECT e.line, e.account_id, a.kind, a.currency, e.balance, e.amount_minor,
             e.balance_after_minor, e.account_version
           FROM own e JOIN accounts a USING (account_id) ORDER BY e.line`,
    values: [transfer_id, booked_at],
  })
  return rows.map((row) => ({
    line: row.line,
    version: Number(row.account_version),
    accountId: row.account_id,
    accountKind: row.kind,
    currency: row.currency,
    balance: row.balance,
    amountMinor: row.amount_minor,
    balanceAfterMinor: BigInt(row.balance_after_minor),
  }))
}

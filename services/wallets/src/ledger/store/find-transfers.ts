import type { Tx } from '@caudal/postgres/types.ts'
import { type Command, isPostings } from '../domain/command.ts'
import { type LedgerState, transferName } from '../domain/ledger-state.ts'

interface Row {
  transfer_id: string
  tenant_id: string
  hold_owner: string | null
}

/**
 * Puts the earlier transfers that commands name into the state: those that corrections name, and
 * those that made the holds which clients end, with their clients. Transfers never change.
 */
export async function findTransfers(
  tx: Tx,
  state: LedgerState,
  commands: readonly Command[],
): Promise<void> {
  const ids = new Set<string>()
  for (const command of commands) {
    if (isPostings(command)) {
      if (command.correctsId !== null) ids.add(command.correctsId)
    } else if ('holdId' in command && command.source.type === 'client') ids.add(command.holdId)
  }
  if (ids.size === 0) return
  const { rows } = await tx.query<Row>({
    name: 'find-transfers',
    text: `SELECT transfer_id, tenant_id, CASE WHEN kind = 'hold' THEN client_id END AS hold_owner
           FROM transfers WHERE transfer_id = ANY($1::uuid[])`,
    values: [[...ids]],
  })
  for (const row of rows) {
    state.transfers.add(transferName(row.tenant_id, row.transfer_id))
    if (row.hold_owner !== null) state.holdOwners.set(row.transfer_id, row.hold_owner)
  }
}

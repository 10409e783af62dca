import type { Tx } from '@caudal/postgres/types.ts'
import { type Command, isPostings } from '../domain/command.ts'
import { type LedgerState, transferName } from '../domain/ledger-state.ts'

/** Puts the earlier transfers that corrections name into the state: transfers never change. */
export async function findTransfers(
  tx: Tx,
  state: LedgerState,
  commands: readonly Command[],
): Promise<void> {
  const ids = new Set<string>()
  for (const command of commands) {
    if (isPostings(command) && command.correctsId !== null) ids.add(command.correctsId)
  }
  if (ids.size === 0) return
  const { rows } = await tx.query<{ transfer_id: string; tenant_id: string }>({
    name: 'find-transfers',
    text: 'SELECT transfer_id, tenant_id FROM transfers WHERE transfer_id = ANY($1::uuid[])',
    values: [[...ids]],
  })
  for (const row of rows) state.transfers.add(transferName(row.tenant_id, row.transfer_id))
}

import type { Tx } from '@caudal/postgres/types.ts'
import { type Command, isPostings } from '../domain/command.ts'
import { holdKeyOf } from '../domain/hold.ts'
import { findHold, type LedgerState } from '../domain/ledger-state.ts'

interface Row {
  transfer_id: string
  client_id: string | null
}

/**
 * Completes the holds that clients end and that do not name their client, which were made before
 * holds did: it is the client of the transfer that made them. Of a detached month there is none.
 */
export async function loadHoldClients(
  tx: Tx,
  state: LedgerState,
  commands: readonly Command[],
): Promise<void> {
  const unnamed = new Map<string, string>()
  for (const command of commands) {
    if (isPostings(command) || !('holdId' in command) || command.source.type !== 'client') continue
    const hold = findHold(state, command)
    if (hold?.paymentId !== null || hold.clientId !== null) continue
    unnamed.set(hold.holdId, holdKeyOf(hold))
  }
  if (unnamed.size === 0) return
  const { rows } = await tx.query<Row>({
    name: 'load-hold-clients',
    text: `SELECT transfer_id, client_id FROM transfers
           WHERE transfer_id = ANY($1::uuid[]) AND kind = 'hold'`,
    values: [[...unnamed.keys()]],
  })
  for (const { transfer_id, client_id: clientId } of rows) {
    const key = unnamed.get(transfer_id)!
    state.holds.set(key, { ...state.holds.get(key)!, clientId })
  }
}

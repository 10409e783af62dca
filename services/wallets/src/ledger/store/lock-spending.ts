import { textArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Command } from '../domain/command.ts'
import { type LedgerState, nameOfSpending } from '../domain/ledger-state.ts'
import { limitedCurrencies, type Spending } from '../domain/policy.ts'

interface Row {
  tenant_id: string
  client_id: string
  currency: string
  day: string
  spent_minor: string
}

type Name = Pick<Spending, 'tenantId' | 'clientId' | 'currency'>

/**
 * Locks what the clients of the batch have spent, where it adds to what their policies limit, until
 * the transaction ends, and puts it into the state. Comes before the locks of rule 6, in one order;
 * a row that is not there is made.
 */
export async function lockSpending(
  tx: Tx,
  state: LedgerState,
  commands: readonly Command[],
): Promise<void> {
  const names = namesOf(commands)
  if (names.length === 0) return
  const statement = sql`
    INSERT INTO client_spending AS s (day, spent_minor, tenant_id, client_id, currency)
    SELECT '1970-01-01', 0, n.tenant_id, n.client_id, n.currency
    FROM unnest(
      ${textArray(names, (it) => it.tenantId)}::text[],
      ${textArray(names, (it) => it.clientId)}::text[],
      ${textArray(names, (it) => it.currency)}::text[]
    ) AS n(tenant_id, client_id, currency)
    ORDER BY n.tenant_id COLLATE "C", n.client_id COLLATE "C", n.currency COLLATE "C"
    ON CONFLICT (tenant_id, client_id, currency) DO UPDATE SET day = s.day
    RETURNING tenant_id, client_id, currency, day::text AS day, spent_minor::text AS spent_minor`
  const { rows } = await tx.query<Row>(named('lock-spending', statement))
  for (const { tenant_id: tenantId, client_id: clientId, currency, day, spent_minor } of rows) {
    const spending = { tenantId, clientId, currency, day, spentMinor: BigInt(spent_minor) }
    state.spending.set(nameOfSpending(spending), spending)
  }
}

function namesOf(commands: readonly Command[]): Name[] {
  const names = new Map<string, Name>()
  for (const command of commands) {
    if (!('policy' in command) || command.policy === null) continue
    const { tenantId, key } = command
    const { clientId } = key
    if (clientId === null) continue
    for (const currency of limitedCurrencies(command)) {
      const name = { tenantId, clientId, currency }
      names.set(nameOfSpending(name), name)
    }
  }
  return [...names.values()]
}

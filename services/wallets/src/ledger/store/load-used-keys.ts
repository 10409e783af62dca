import type { KeyScope } from '@caudal/idempotency/bound-key.ts'
import { selectKeys } from '@caudal/idempotency/load-keys.ts'
import { textArray } from '@caudal/postgres/array-parameter.ts'
import { named, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { type Command, commandsOf, type Request, takesReference } from '../domain/command.ts'
import { keyName, type LedgerState, referenceName } from '../domain/ledger-state.ts'
import { WALLET_KEYS } from './wallet-keys.ts'

/** A bound key; of a reference only the position, in an array of its own. */
type Row = [
  position: bigint,
  fingerprint: string | null,
  status: number | null,
  body: string | null,
  resourceId: null,
]

/**
 * Puts used keys of clients and used references into the state. Sent behind the locks, so that the
 * transaction that held the account before has committed its keys; the unique index rejects what
 * slips through all the same, and the batch starts again.
 */
export async function loadUsedKeys(
  tx: Tx,
  state: LedgerState,
  requests: readonly Request[],
): Promise<void> {
  const keyed = requests.filter(({ key }) => key.clientId !== null)
  const commands = requests.flatMap(commandsOf).filter(takesReference)
  if (keyed.length === 0 && commands.length === 0) return
  const keys = keyed.map(scopeOf)
  const statement = sql`${selectKeys(WALLET_KEYS, keys)}
    UNION ALL ${selectReferences(commands)}`
  const asked = { ...named('load-keys', statement), rowMode: 'array' as const }
  const { rows } = await tx.query<Row>(asked)
  for (const [position, fingerprint, status, body] of rows) {
    const index = Number(position) - 1
    if (fingerprint === null) {
      const { tenantId, kind, referenceId } = commands[index]!
      state.references.add(referenceName(tenantId, kind, referenceId))
    } else {
      const { tenantId, principalId, idempotencyKey } = keys[index]!
      const answer = { status: status!, body: body! }
      const name = keyName(tenantId, principalId, idempotencyKey)
      state.keys.set(name, { fingerprint, answer, outcome: null })
    }
  }
}

function scopeOf({ tenantId, key }: Request): KeyScope {
  return { tenantId, principalId: key.clientId!, idempotencyKey: key.value }
}

/** LIMIT makes each lookup one walk down the index, as for keys. */
function selectReferences(commands: readonly Command[]): Sql {
  return sql`
    SELECT w.position, NULL, NULL, NULL, NULL
    FROM unnest(
      ${textArray(commands, (it) => it.tenantId)}::text[],
      ${textArray(commands, (it) => it.kind)}::text[],
      ${textArray(commands, (it) => it.referenceId)}::text[]
    ) WITH ORDINALITY AS w(tenant_id, kind, reference_id, position)
    CROSS JOIN LATERAL (
      SELECT FROM command_references c
      WHERE c.tenant_id = w.tenant_id AND c.kind = w.kind AND c.reference_id = w.reference_id
      LIMIT 1
    ) r`
}

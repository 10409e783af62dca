import { textArray } from '@caudal/postgres/array-parameter.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { commandsOf, type Request } from '../domain/command.ts'
import { keyName, type LedgerState, referenceName } from '../domain/ledger-state.ts'

type Row = [
  what: 'key' | 'reference',
  tenantId: string,
  clientIdOrKind: string,
  keyOrReference: string,
  fingerprint: string | null,
  status: number | null,
  body: string | null,
]

// LIMIT makes each lookup one walk down the index: joined as a set, both tables would be read whole
// for a batch as soon as that looks cheaper, and they only grow.
const LOAD = `
  SELECT 'key', k.tenant_id, k.client_id, k.idempotency_key, encode(k.fingerprint, 'hex'),
    k.status, k.body
  FROM unnest($1::text[], $2::text[], $3::text[]) AS w(tenant_id, client_id, key)
  CROSS JOIN LATERAL (
    SELECT * FROM idempotency_keys i
    WHERE i.tenant_id = w.tenant_id AND i.client_id = w.client_id AND i.idempotency_key = w.key
    LIMIT 1
  ) k
  UNION ALL
  SELECT 'reference', r.tenant_id, r.kind, r.reference_id, NULL, NULL, NULL
  FROM unnest($4::text[], $5::text[], $6::text[]) AS w(tenant_id, kind, reference_id)
  CROSS JOIN LATERAL (
    SELECT * FROM command_references c
    WHERE c.tenant_id = w.tenant_id AND c.kind = w.kind AND c.reference_id = w.reference_id
    LIMIT 1
  ) r`

/**
 * Puts the clients' used keys and references into the state. Sent behind the locks, so that the
 * transaction that held the account before has committed its keys; the unique index rejects what
 * slips through all the same, and the batch starts again.
 */
export async function loadKeys(
  tx: Tx,
  state: LedgerState,
  requests: readonly Request[],
): Promise<void> {
  const keyed = requests.filter(({ key }) => key.clientId !== null)
  if (keyed.length === 0) return
  const commands = keyed.flatMap(commandsOf)
  const { rows } = await tx.query<Row>({
    name: 'load-keys',
    text: LOAD,
    values: [
      textArray(keyed, (it) => it.tenantId),
      textArray(keyed, (it) => it.key.clientId),
      textArray(keyed, (it) => it.key.value),
      textArray(commands, (it) => it.tenantId),
      textArray(commands, (it) => it.kind),
      textArray(commands, (it) => it.referenceId),
    ],
    rowMode: 'array',
  })
  for (const [what, tenantId, second, third, fingerprint, status, body] of rows) {
    if (what === 'reference') state.references.add(referenceName(tenantId, second, third))
    else {
      const answer = { status: status!, body: body! }
      const name = keyName(tenantId, second, third)
      state.keys.set(name, { fingerprint: fingerprint!, answer, outcome: null })
    }
  }
}

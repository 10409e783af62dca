import { factIdOf, foundRefundIdOf } from '@caudal/contracts/ids.ts'
import { connectAsAdmin } from '../support/database-server.ts'

/** A fact of a callback that changed nothing, and the refund of the operation that it names. */
type Contradiction = {
  psp: string
  account: string
  key: string
  reason: string
  kind: string
  its_id: string | null
  payment_id: string | null
  refund_id: string | null
}

/** What a callback says against what is known, or of money that nobody knows. */
const CONTRADICTIONS = `
  SELECT f.psp, f.psp_account AS account, f.key, f.fact->>'kind' AS kind,
    f.fact->>'itsId' AS its_id, f.payment_id, o.request_id AS refund_id,
    CASE f.cause WHEN 'repeated_transaction_id' THEN 'operation_unknown' ELSE f.cause END AS reason
  FROM callback_facts f LEFT JOIN operations o ON o.operation_id = (f.fact->>'ourId')::uuid
  WHERE f.state = 'CONTRADICTION' OR f.state = 'PARKED' AND f.cause = 'operation_unknown'
    AND f.fact->>'state' IN ('approved', 'reversed')`

/** Payments of which a bank has reported another amount than that of all orders, by its books. */
const LIES: readonly [database: string, query: string][] = [
  [
    'psp',
    `SELECT DISTINCT subject_id AS id FROM callbacks
     WHERE body::json->>'type' IN ('payment.approved', 'payment.failed')
       AND body::json->>'amount' <> '10.00'`,
  ],
  [
    'asyncbank',
    `SELECT DISTINCT subject_id AS id FROM callbacks
     WHERE body::json->>'kind' = 'pay' AND body::json->>'amount' <> '1000'`,
  ],
]

/** Every contradiction has a case of its reason about what it contradicts. */
export async function contradictionsWithoutCase(dataDir: string): Promise<string[]> {
  const cases = await rowsOf<{ reason: string; subject_id: string }>(
    dataDir,
    'payments',
    'SELECT reason, subject_id FROM cases',
  )
  const known = new Set(cases.map((one) => `${one.reason} ${one.subject_id}`))
  const contradictions = await rowsOf<Contradiction>(dataDir, 'processor', CONTRADICTIONS)
  const found = contradictions
    .filter((one) => !subjectsOf(one).some((id) => known.has(`${one.reason} ${id}`)))
    .map((one) => `a callback of ${one.psp} contradicts ${nameOf(one)}, and there is no case`)
  for (const [bank, query] of LIES) {
    const lies = await rowsOf<{ id: string }>(dataDir, bank, query)
    const hidden = lies.filter(({ id }) => !known.has(`amount_mismatch ${id}`))
    found.push(...hidden.map(({ id }) => `no case that ${bank} reported another amount of ${id}`))
  }
  return found
}

function nameOf({ kind, key, payment_id: id, reason }: Contradiction): string {
  return `${kind} ${key} of payment ${id} (${reason})`
}

/** What the case may be about: that of a refund is about the refund, and not about its payment. */
function subjectsOf(one: Contradiction): string[] {
  const { psp, account, key, kind, its_id: itsId, payment_id: paymentId, refund_id: refundId } = one
  if (paymentId === null) return [factIdOf(psp, account, key)]
  if (kind === 'pay' || kind === 'return') return [paymentId]
  // One that the PSP made by itself, or in place of another one, has an id that is made from its.
  const ofPsp = itsId === null ? [] : [foundRefundIdOf(psp, itsId)]
  return [refundId ?? paymentId, ...ofPsp]
}

async function rowsOf<R extends object>(
  dataDir: string,
  database: string,
  query: string,
): Promise<R[]> {
  const admin = await connectAsAdmin(dataDir, `caudal_${database}`)
  try {
    return (await admin.query<R>(query)).rows
  } finally {
    await admin.end()
  }
}

import type { Check, CheckInput } from '../check.ts'
import { findViolations } from '../find-violations.ts'
import { collectFindings, type Finding, joinFindings } from '../findings.ts'

// The state of a callback is the first of these that any of its facts has.
const ORDER = `ARRAY['RECEIVED', 'CONTRADICTION', 'PARKED', 'APPLIED', 'NO_CHANGE']`

const STATES = `
  SELECT format('callback %s of %s is %s, its facts are %s', c.callback_id, c.psp, c.state,
    array_to_string(f.states, ', ')) AS violation
  FROM callbacks c JOIN (
    SELECT callback_id, array_agg(DISTINCT state) AS states,
      min(array_position(${ORDER}, state)) AS first
    FROM callback_facts GROUP BY callback_id
  ) f USING (callback_id)
  WHERE c.state <> (${ORDER})[f.first]`

// Whatever keys the PSP reports it under, what it did is applied once.
const REPEATED = `
  SELECT format('%s callbacks of %s were applied that %s %s is %s: %s', count(*), psp,
    fact->>'kind', coalesce(fact->>'itsId', fact->>'ourId'), fact->>'state',
    string_agg(callback_id::text, ', ' ORDER BY callback_id)) AS violation
  FROM callback_facts
  WHERE state = 'APPLIED' AND coalesce(fact->>'itsId', fact->>'ourId') IS NOT NULL
  GROUP BY psp, psp_account, fact->>'kind', coalesce(fact->>'itsId', fact->>'ourId'),
    fact->>'state'
  HAVING count(*) > 1`

// What was applied is how the operation ended, unless the truth came late.
const WITHOUT_EFFECT = `
  WITH operations_of_psps AS (
    SELECT payment_id AS id, 'pay' AS kind, status, late_transaction_id FROM payments
    UNION ALL
    SELECT operation_id, kind, status, late_transaction_id FROM operations
  )
  SELECT format('a callback of %s was applied that %s %s is %s, which is %s', f.psp, o.kind, o.id,
    f.fact->>'state', o.status) AS violation
  FROM callback_facts f JOIN operations_of_psps o
    ON o.id = (f.fact->>'ourId')::uuid AND o.kind = f.fact->>'kind'
  WHERE f.state = 'APPLIED' AND CASE f.fact->>'state'
    WHEN 'approved' THEN o.status <> 'COMPLETED' AND o.late_transaction_id IS NULL
    WHEN 'failed' THEN o.status <> 'FAILED'
    ELSE false END`

/**
 * P12: every callback that was stored is applied, and what it reports is applied once, to the
 * operation that it names. One that waits for the end of a payment is not due yet.
 */
export const callbacksAppliedOnce: Check = {
  name: 'callbacks_applied_once',
  needs: ['processor'],
  async run(input: CheckInput): Promise<Finding> {
    const found = await findViolations(
      input.processor,
      'SELECT count(*) AS checked FROM callbacks',
      STATES,
      REPEATED,
      WITHOUT_EFFECT,
    )
    return joinFindings(found, await findOverdue(input))
  },
}

async function findOverdue({ processor, recentFrom }: CheckInput): Promise<Finding> {
  const { add, finding } = collectFindings(recentFrom)
  const { rows } = await processor.query<{ psp: string; open: bigint; latest_at: Date }>(
    `SELECT psp, count(*) AS open, max(due_at) AS latest_at FROM callback_facts
     WHERE state = 'RECEIVED' AND due_at <= statement_timestamp() GROUP BY psp`,
  )
  for (const { psp, open, latest_at: at } of rows) {
    add(`${open} facts in callbacks of ${psp} are due and were not applied`, at)
  }
  return finding(0)
}

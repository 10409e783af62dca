import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { raw, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { PspOperation, PspStep } from '../domain/psp-operation.ts'
import type { ClaimedPsp } from './of-psp.ts'
import type { OperationTable } from './operation-tables.ts'

const FURTHER = '_further'

type Step = NonNullable<PspStep>
type Table = Pick<OperationTable, 'name'>

/**
 * The step as it is stored. Release 0.1.0, which may run beside this one, claims the payments of
 * every PSP for the only one that it knows. So those of further PSPs have steps of their own.
 */
export function storedStep(
  { name }: Table,
  { step, psp }: Pick<PspOperation, 'step' | 'psp'>,
): string | null {
  return step !== null && hasOwnSteps(name, psp) ? `${step}${FURTHER}` : step
}

/** The step of a row. */
export function stepOf(stored: string): Step
export function stepOf(stored: string | null): PspStep
export function stepOf(stored: string | null): PspStep {
  if (stored === null) return null
  return (stored.endsWith(FURTHER) ? stored.slice(0, -FURTHER.length) : stored) as Step
}

/** The steps of the operations that are claimed, as literals. */
export type ClaimedSteps = {
  send: Sql
  query: Sql
  /** Of attempts, also those of release 0.1.0. */
  awaits: Sql
  all: Sql
}

const PLAIN: ClaimedSteps = {
  send: raw("'send'"),
  query: raw("'query'"),
  awaits: raw("'await'"),
  all: raw("'send', 'query', 'await'"),
}
const OF_FURTHER: ClaimedSteps = {
  send: raw("'send_further'"),
  query: raw("'query_further'"),
  awaits: raw("'await_further'"),
  all: raw("'send_further', 'query_further', 'await_further'"),
}
/** A default PSP with a name of its own has those that release 0.1.0 recorded for it, too. */
const OF_NAMED_DEFAULT: ClaimedSteps = {
  ...OF_FURTHER,
  awaits: sql`${OF_FURTHER.awaits}, ${PLAIN.awaits}`,
  all: sql`${OF_FURTHER.all}, ${PLAIN.all}`,
}

/** The steps as they are stored in the operations of the PSP. */
export function claimedStepsOf({ name }: Table, psp: ClaimedPsp): ClaimedSteps {
  if (psp === null || !hasOwnSteps(name, psp.name)) return PLAIN
  return psp.isDefault ? OF_NAMED_DEFAULT : OF_FURTHER
}

/** Release 0.1.0 does not know the table of refunds and voids. */
function hasOwnSteps(table: OperationTable['name'], psp: string | null): boolean {
  return table === 'payments' && psp !== null && psp !== DEFAULT_PSP
}

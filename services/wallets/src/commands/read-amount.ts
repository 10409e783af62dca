import { Problem } from '@caudal/http/problem.ts'
import type { Money } from './command-schemas.ts'

/** An amount that the schema of its route has bounded. */
export function readAmount({ minor_units: amountMinor, currency }: Money) {
  return { amountMinor, currency }
}

/** A signed amount of a posting, named by its place. */
export function readSignedAmount(param: string, amount: Money) {
  if (amount.minor_units === 0n) throw malformed(`${param}.minor_units`, 'must not be 0')
  return readAmount(amount)
}

/** How far below zero: 0 is not at all. */
export function readLimit({ minor_units: limitMinor, currency }: Money) {
  return { limitMinor, currency }
}

/** What is wrong with a member of the body. */
export function malformed(param: string, reason: string): Problem {
  return new Problem('MALFORMED_REQUEST', `body: ${param} ${reason}`, { members: { param } })
}

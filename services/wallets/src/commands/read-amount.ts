import { Problem } from '@caudal/http/problem.ts'
import { isCurrency } from '@caudal/money/currencies.ts'
import { MAX_MINOR } from '@caudal/money/parse-amount.ts'
import type { Money } from './command-schemas.ts'

const FIRST_DAY = '1970-01-01'
const LAST_DAY = '2199-12-31'

/** An amount that moves: at least one minor unit. */
export function readAmount({ minor_units: amountMinor, currency }: Money) {
  if (amountMinor <= 0n) throw malformed('amount.minor_units', 'must be at least 1')
  refuseUnknownCurrency('amount.currency', currency)
  return { amountMinor, currency }
}

/** A signed amount of a posting, named by its place. */
export function readSignedAmount(param: string, { minor_units: amountMinor, currency }: Money) {
  if (amountMinor === 0n) throw malformed(`${param}.minor_units`, 'must not be 0')
  if (amountMinor < -MAX_MINOR) throw malformed(`${param}.minor_units`, 'is too small')
  refuseUnknownCurrency(`${param}.currency`, currency)
  return { amountMinor, currency }
}

/** How far below zero: 0 is not at all. */
export function readLimit({ minor_units: limitMinor, currency }: Money) {
  if (limitMinor < 0n) throw malformed('limit.minor_units', 'must be at least 0')
  refuseUnknownCurrency('limit.currency', currency)
  return { limitMinor, currency }
}

/** `YYYY-MM-DD` of a day that there is; null when the day of booking is meant. */
export function readValueDate(text: string | undefined): string | null {
  if (text === undefined) return null
  const day = new Date(`${text}T00:00:00Z`)
  const exists = !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
  if (!exists || text < FIRST_DAY || text > LAST_DAY) {
    throw malformed('value_date', `must be a day from ${FIRST_DAY} to ${LAST_DAY}`)
  }
  return text
}

/** What is wrong with a member of the body. */
export function malformed(param: string, reason: string): Problem {
  return new Problem('MALFORMED_REQUEST', `body: ${param} ${reason}`, { members: { param } })
}

/** @throws {Problem} unless it is the code of a currency that money can be paid in */
function refuseUnknownCurrency(param: string, currency: string): void {
  if (!isCurrency(currency)) throw malformed(param, 'is not an ISO 4217 code')
}

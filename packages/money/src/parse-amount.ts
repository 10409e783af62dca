import { AmountError } from './amount-error.ts'
import { exponentOf } from './currencies.ts'

/** The largest amount in minor units: what a bigint column of PostgreSQL holds, 2^63 - 1. */
export const MAX_MINOR = 2n ** 63n - 1n

/** 19 digits of MAX_MINOR and a point; longer text is refused before it is read. */
const MAX_LENGTH = 20
const CANONICAL = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/

/**
 * `parseAmount('100.50', 'USD')` is `10050n` minor units. Only plain decimals are read: no sign,
 * exponent, space or leading zero, and no more decimals than the currency has; fewer are fine. Zero
 * is an amount; whether it may be paid is the caller's business.
 *
 * @throws AmountError
 */
export function parseAmount(text: string, currency: string): bigint {
  const exponent = exponentOf(currency)
  const match = CANONICAL.exec(text.slice(0, MAX_LENGTH + 1))
  if (match === null) {
    throw new AmountError('AMOUNT_MALFORMED', 'The amount is not a plain decimal number')
  }
  const [, whole = '', fraction = ''] = match
  if (fraction.length > exponent) {
    throw new AmountError(
      'AMOUNT_TOO_PRECISE',
      `The amount has more than the ${exponent} decimals of ${currency}`,
    )
  }
  const minor = BigInt(whole + fraction.padEnd(exponent, '0'))
  if (text.length > MAX_LENGTH || minor > MAX_MINOR) {
    throw new AmountError('AMOUNT_TOO_LARGE', `The amount is larger than ${MAX_MINOR} minor units`)
  }
  return minor
}

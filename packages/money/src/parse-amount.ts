import { AmountError } from './amount-error.ts'
import { exponentOf } from './currencies.ts'

/** The largest amount in minor units: the maximum of a PostgreSQL bigint column, 2^63 - 1. */
export const MAX_MINOR = 2n ** 63n - 1n

/** The 19 digits of MAX_MINOR and a point. Only this much of a longer text is examined. */
const MAX_LENGTH = 20
const CANONICAL = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/

/**
 * Parses a plain decimal to minor units: `parseAmount('100.50', 'USD')` is `10050n`. Refuses signs,
 * exponents, spaces, leading zeros and more decimals than the currency has. Accepts zero; the
 * caller decides whether zero is allowed.
 *
 * @throws AmountError if the text is not an amount of the currency
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

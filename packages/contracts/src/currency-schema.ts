import { CURRENCIES, exponentOf } from '@caudal/money/currencies.ts'
import { Type } from 'typebox'

/** A currency that money can be paid in, in requests. */
export const Currency = Type.Enum([...CURRENCIES], {
  description: 'an ISO 4217 code of a currency with a minor unit, such as USD',
})

/** Every amount of so many digits is below 2^63 minor units. */
const DIGITS = 18

/**
 * For the `anyOf` of an object with the members `amount` and `currency`: an amount above zero with
 * at most the decimals of its currency.
 */
export const AMOUNTS_BY_CURRENCY = [
  ...Map.groupBy(CURRENCIES, (currency) => exponentOf(currency)),
].map(([exponent, currencies]) => ({
  properties: {
    currency: Type.Enum([...currencies]),
    amount: Type.String({ pattern: amountPattern(exponent) }),
  },
}))

function amountPattern(exponent: number): string {
  const whole = `[1-9][0-9]{0,${DIGITS - exponent - 1}}`
  if (exponent === 0) return `^${whole}$`
  // The first digit that is not zero may be at any of the decimals.
  const fractions = Array.from({ length: exponent }, (_, zeros) => {
    const rest = exponent - zeros - 1
    return `0{${zeros}}[1-9][0-9]{0,${rest}}`
  })
  return `^(${whole}(\\.[0-9]{1,${exponent}})?|0\\.(${fractions.join('|')}))$`
}

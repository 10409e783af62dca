import { exponentOf } from './currencies.ts'

/**
 * `formatAmount(10050n, 'USD')` is `'100.50'`: always with all decimals of the currency. Negative
 * amounts, which entries have, get a minus sign.
 *
 * @throws AmountError UNKNOWN_CURRENCY
 */
export function formatAmount(minor: bigint, currency: string): string {
  const exponent = exponentOf(currency)
  const sign = minor < 0n ? '-' : ''
  const digits = String(minor < 0n ? -minor : minor).padStart(exponent + 1, '0')
  if (exponent === 0) return sign + digits
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`
}

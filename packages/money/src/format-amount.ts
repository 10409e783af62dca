import { exponentOf } from './currencies.ts'

/**
 * Formats minor units with all decimals of the currency: `formatAmount(10050n, 'USD')` is
 * `'100.50'`. Negative amounts get a minus sign.
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

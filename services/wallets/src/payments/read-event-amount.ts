import { AmountError } from '@caudal/money/amount-error.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'

/** The amount of an event in minor units, or why it cannot be one: a text for people. */
export function readEventAmount(amount: string, currency: string): bigint | string {
  try {
    const minor = parseAmount(amount, currency)
    return minor > 0n ? minor : 'the amount is zero'
  } catch (error) {
    if (error instanceof AmountError) return error.message
    throw error
  }
}

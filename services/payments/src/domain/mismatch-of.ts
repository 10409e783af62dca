interface Sum {
  amountMinor: bigint
  currency: string
}

/**
 * The reason of the case about an evidence that states another sum than the known one; undefined if
 * both are equal. Nothing is booked for such an evidence: it is not understood.
 */
export function mismatchOf(
  known: Sum,
  stated: Sum,
): 'currency_mismatch' | 'amount_mismatch' | undefined {
  if (known.currency !== stated.currency) return 'currency_mismatch'
  return known.amountMinor === stated.amountMinor ? undefined : 'amount_mismatch'
}

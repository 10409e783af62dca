/** Double entry: whether what some lose others gain, in each currency for itself (F1). */
export function sumToZero(amounts: readonly { currency: string; amountMinor: bigint }[]): boolean {
  const [first] = amounts
  if (first === undefined) return false
  let sum = 0n
  // Nearly everything is of one currency, and then a single sum is enough.
  let others: Map<string, bigint> | undefined
  for (const { currency, amountMinor } of amounts) {
    if (currency === first.currency) sum += amountMinor
    else {
      others ??= new Map()
      others.set(currency, (others.get(currency) ?? 0n) + amountMinor)
    }
  }
  return sum === 0n && (others === undefined || [...others.values()].every((it) => it === 0n))
}

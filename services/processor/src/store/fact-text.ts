import type { CallbackFact } from '../domain/callback-fact.ts'

/** A fact without its key, as JSON. PostgreSQL's JSON cannot hold U+0000. */
export function factText({ key: _, amountMinor, chargesMinor, ...fact }: CallbackFact): string {
  const text = JSON.stringify({
    ...fact,
    amountMinor: amountMinor?.toString() ?? null,
    chargesMinor: chargesMinor?.toString(),
  })
  return text.replaceAll('\\u0000', '')
}

/** A stored fact: the members that `factText` wrote. */
export type StoredFact = Omit<CallbackFact, 'key' | 'amountMinor' | 'chargesMinor'> & {
  amountMinor: string | null
  chargesMinor?: string
}

/** The fact of a row. */
export function factOf(
  key: string,
  { amountMinor, chargesMinor, ...fact }: StoredFact,
): CallbackFact {
  return {
    key,
    ...fact,
    amountMinor: amountMinor === null ? null : BigInt(amountMinor),
    ...(chargesMinor !== undefined && { chargesMinor: BigInt(chargesMinor) }),
  }
}

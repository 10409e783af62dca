import type { CallbackFact } from '../domain/callback-fact.ts'

/** A fact without its key, as JSON. PostgreSQL's JSON cannot hold U+0000. */
export function factText({ key: _, amountMinor, ...fact }: CallbackFact): string {
  const text = JSON.stringify({ ...fact, amountMinor: amountMinor?.toString() ?? null })
  return text.replaceAll('\\u0000', '')
}

/** A stored fact: the members that `factText` wrote. */
export type StoredFact = Omit<CallbackFact, 'key' | 'amountMinor'> & { amountMinor: string | null }

/** The fact of a row. */
export function factOf(key: string, { amountMinor, ...fact }: StoredFact): CallbackFact {
  return { key, ...fact, amountMinor: amountMinor === null ? null : BigInt(amountMinor) }
}

import { hash } from 'node:crypto'

/** In UTF-8 at most 1,536 bytes; an index entry holds 2,704, with its other columns. */
const KEY_MOST = 512
const CAUSE_MOST = 1_000
const HASH_DIGITS = 64

/**
 * A key as `parked_records` stores and indexes it. PostgreSQL stores no NUL and indexes no long
 * text, so such a key, which no release writes, is shortened and gets a hash that keeps it apart
 * from others. Every other key is unchanged, also one that this function returned.
 */
export function storableKey(key: string): string {
  if (key.length <= KEY_MOST && key.isWellFormed() && !key.includes('\0')) return key
  const start = key.slice(0, KEY_MOST - HASH_DIGITS - 1).toWellFormed()
  return `${start.replaceAll('\0', '\uFFFD')}#${hash('sha256', key, 'hex')}`
}

/**
 * A record's value as `parked_records` stores it. JSON has no control character, so one that stands
 * for a NUL leaves an unreadable value unreadable.
 */
export function storableValue(value: string): string {
  return value.replaceAll('\0', '\u0001')
}

/** Why a record was parked, for people: without NUL and not longer than they read. */
export function storableCause(cause: string): string {
  const text = cause.replaceAll('\0', '\uFFFD')
  return text.length <= CAUSE_MOST ? text : `${text.slice(0, CAUSE_MOST - 1)}…`
}

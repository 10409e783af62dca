import { isUuid } from '@caudal/contracts/ids.ts'
import type { Values } from './command.ts'
import { UsageError } from './errors.ts'

/**
 * Reads an integer option within a range, limits included.
 *
 * @throws {UsageError}
 */
export function integerOption(
  values: Values,
  name: string,
  range: { min: number; max: number },
  fallback?: number,
): number {
  const text = values[name]
  if (text === undefined && fallback !== undefined) return fallback
  const number = Number(text)
  if (typeof text === 'string' && /^\d{1,9}$/.test(text) && number >= range.min) {
    if (number <= range.max) return number
  }
  throw new UsageError(`--${name} must be a whole number from ${range.min} to ${range.max}`)
}

/**
 * Reads a text option.
 *
 * @throws {UsageError} if it is empty, or missing without a fallback
 */
export function textOption(values: Values, name: string, fallback?: string): string {
  const text = values[name]
  if (typeof text === 'string' && text !== '') return text
  if (fallback !== undefined && text === undefined) return fallback
  throw new UsageError(`--${name} is missing`)
}

/**
 * Reads a text option that may be absent.
 *
 * @throws {UsageError} if it is empty
 */
export function optionalText(values: Values, name: string): string | undefined {
  return values[name] === undefined ? undefined : textOption(values, name)
}

/**
 * Parses a UUID and returns it in lower case; `what` names it in the error.
 *
 * @throws {UsageError}
 */
export function uuidArgument(text: string, what: string): string {
  if (isUuid(text)) return text.toLowerCase()
  throw new UsageError(`${what} must be a UUID`)
}

/**
 * Reads an option that takes one of some words; undefined if it is absent.
 *
 * @throws {UsageError} for another word
 */
export function choiceOption(
  values: Values,
  name: string,
  words: readonly string[],
): string | undefined {
  const value = values[name]
  if (value === undefined) return undefined
  if (typeof value === 'string' && words.includes(value)) return value
  throw new UsageError(`--${name} takes one of ${words.join(', ')}`)
}

const UNITS_MS = new Map([
  ['', 1_000],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/**
 * Reads a duration such as `90`, `90s`, `5m`, `2h` or `1d`, in milliseconds; undefined if the
 * option is absent.
 *
 * @throws {UsageError}
 */
export function durationOption(values: Values, name: string): number | undefined {
  const value = values[name]
  if (value === undefined) return undefined
  const [, digits, unit] = /^(\d{1,9})([smhd]?)$/.exec(String(value)) ?? []
  const unitMs = UNITS_MS.get(unit ?? 'none')
  if (unitMs !== undefined) return Number(digits) * unitMs
  throw new UsageError(`--${name} must be a duration such as 30s, 5m, 2h or 1d`)
}

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
 * Parses a UUID and returns it in lower case; `what` names it in the error.
 *
 * @throws {UsageError}
 */
export function uuidArgument(text: string, what: string): string {
  if (isUuid(text)) return text.toLowerCase()
  throw new UsageError(`${what} must be a UUID`)
}

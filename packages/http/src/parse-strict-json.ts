import { isUtf8 } from 'node:buffer'
import { readExactJson } from './read-exact-json.ts'

/** Deeper documents are refused; the schemas need four levels. */
export const MAX_JSON_DEPTH = 32

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const COMMA = 0x2c
const POINT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const SMALL_E = 0x65
/** Every integer of so many digits is exact as a double. */
const SAFE_DIGITS = 15
const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)
const INT64_DIGITS = 19
const INTEGER = /^-?\d+$/

/** A body that is not acceptable JSON; the message may be shown to the caller. */
export class StrictJsonError extends Error {
  override readonly name = 'StrictJsonError'
  readonly code = 'MALFORMED_REQUEST'
  readonly retryable = false
}

export interface StrictJsonOptions {
  /**
   * `number`: integers are numbers and those beyond ±(2^53-1) are refused. `bigint`: every number
   * written as an integer becomes a bigint, exact up to 64 bits, for contracts with minor units.
   */
  integers?: 'number' | 'bigint'
  /** Documents of more values (members, items, containers) are refused before they are parsed. */
  maxValues?: number
}

/**
 * The one parser of request bodies (rule 17). Beyond the grammar it refuses invalid UTF-8, lone
 * surrogates, nesting beyond 32 levels, duplicate members, `__proto__` and numbers that would lose
 * digits. It takes time in proportion to the body, whatever is in it. Throws StrictJsonError.
 */
export function parseStrictJson(body: Uint8Array, options: StrictJsonOptions = {}): unknown {
  if (!isUtf8(body)) throw new StrictJsonError('the body is not valid UTF-8')
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  const { members: membersWritten, plainIntegers } = scan(text, options.maxValues ?? Infinity)
  const bigints = options.integers === 'bigint'
  const seen = { members: 0, escapes: text.includes('\\u'), convert: bigints && plainIntegers }
  // JSON.parse is several times as fast as the reader that sees the text of numbers.
  const value = check(parse(text, bigints && !plainIntegers), seen)
  // Members of the same name collapse into one, so a duplicate shows as a member too few.
  if (seen.members !== membersWritten) {
    throw new StrictJsonError('the body has an object with duplicate members')
  }
  return value
}

interface Scanned {
  /** Colons outside of strings. */
  members: number
  /** Every number is written with digits only, so few that a double holds it exactly. */
  plainIntegers: boolean
}

/**
 * Counts members and refuses deep nesting and too many values, in one pass and without recursion.
 * For text that is not JSON the counts have no meaning; the parser then refuses it.
 */
function scan(text: string, maxValues: number): Scanned {
  const escapes = text.includes('\\')
  let members = 0
  // Each container has one value more than commas, unless it is empty.
  let values = 1
  let depth = 0
  let digits = 0
  let plainIntegers = true
  for (let index = 0; index < text.length; index++) {
    const character = text.charCodeAt(index)
    if (character >= ZERO && character <= NINE) {
      digits++
      if (digits > SAFE_DIGITS) plainIntegers = false
      continue
    }
    // The point of a fraction, or an E behind a digit and not within a word.
    if (character === POINT || (digits > 0 && (character | 0x20) === SMALL_E)) plainIntegers = false
    digits = 0
    if (character === QUOTE) {
      index = escapes ? endOfString(text, index) : endOfPlainString(text, index)
    } else if (character === COLON) {
      members++
    } else if (character === COMMA) {
      values++
    } else if ((character | 0x20) === 0x7b) {
      values++
      // 0x5b and 0x7b, the opening brackets, differ in this bit only.
      if (++depth > MAX_JSON_DEPTH) {
        throw new StrictJsonError(`the body is nested deeper than ${MAX_JSON_DEPTH} levels`)
      }
    } else if ((character | 0x20) === 0x7d) {
      depth--
    }
  }
  if (values > maxValues) {
    throw new StrictJsonError(
      `the body has more values than the ${maxValues} of the largest request`,
    )
  }
  return { members, plainIntegers }
}

/** If no string has an escape, the next quote ends this string. */
function endOfPlainString(text: string, start: number): number {
  const end = text.indexOf('"', start + 1)
  return end === -1 ? text.length : end
}

function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    const character = text.charCodeAt(index)
    if (character === QUOTE) return index
    if (character === BACKSLASH) index++
  }
  return text.length
}

function parse(text: string, bigints: boolean): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return bigints ? readExactJson(text, exactNumber) : value
  } catch (error) {
    if (error instanceof StrictJsonError) throw error
    // The engine's message quotes the body, so it is not shown.
    throw new StrictJsonError('the body is not valid JSON', { cause: error })
  }
}

function exactNumber(source: string): number | bigint {
  if (!INTEGER.test(source)) return Number(source)
  // Longer texts are out of range; converting them would waste time.
  const exact = source.length > INT64_DIGITS + 1 ? INT64_MAX + 1n : BigInt(source)
  if (exact > INT64_MAX || exact < INT64_MIN) {
    throw new StrictJsonError('the body has an integer beyond 64 bits')
  }
  return exact
}

interface Seen {
  members: number
  escapes: boolean
  convert: boolean
}

// Returns the value as it is to be read. Recursion is bounded: the depth was checked before the
// document was parsed.
function check(value: unknown, seen: Seen): unknown {
  if (typeof value === 'string') {
    // The text is valid UTF-8, so only an escape can bring in half of a surrogate pair.
    if (seen.escapes) checkWellFormed(value)
  } else if (typeof value === 'number') {
    if (seen.convert) return BigInt(value)
    checkExact(value)
  } else if (Array.isArray(value)) {
    const items = value as unknown[]
    for (let index = 0; index < items.length; index++) items[index] = check(items[index], seen)
  } else if (typeof value === 'object' && value !== null) {
    const members = value as Record<string, unknown>
    for (const name of Object.keys(members)) {
      seen.members++
      if (name === '__proto__') throw new StrictJsonError('the member name __proto__ is refused')
      if (seen.escapes) checkWellFormed(name)
      const member = members[name]
      const read = check(member, seen)
      if (read !== member) members[name] = read
    }
  }
  return value
}

function checkWellFormed(text: string): void {
  if (!text.isWellFormed()) throw new StrictJsonError('the body has an incomplete surrogate pair')
}

function checkExact(value: number): void {
  if (value > Number.MAX_SAFE_INTEGER || value < -Number.MAX_SAFE_INTEGER) {
    throw new StrictJsonError('the body has a number beyond 2^53-1')
  }
}

/**
 * Array parameters in PostgreSQL's binary format. The text format is escaped by the client and
 * parsed by the server character by character, which costs a set-based statement more than its
 * rows. Pass the result as the value of `$n::uuid[]`, `$n::bigint[]`, …, with exactly that type.
 */

const UUID_OID = 2950
const TEXT_OID = 25
const INT8_OID = 20
const INT2_OID = 21
const INT4_OID = 23
const BYTEA_OID = 17
const TIMESTAMPTZ_OID = 1184
/** PostgreSQL counts microseconds from the start of 2000. */
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1)
const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)
const HEADER_BYTES = 20
const UUID_BYTES = 16
/** UTF-8 needs at most three bytes for one UTF-16 code unit. */
const MOST_BYTES_PER_UNIT = 3
/** The positions of the digit pairs in a UUID with hyphens, and without, as in a trace id. */
const PAIRS = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
const BARE_PAIRS = PAIRS.map((_, index) => index * 2)
const UUID_LENGTH = 36
const BARE_LENGTH = 32
const HEX_DIGITS = hexDigits()
const BYTES = /^(?:[0-9a-f]{2})*$/i

/** The buffer in which arrays are built before they are copied; grows to the largest array. */
let scratch = Buffer.allocUnsafe(64 * 1024)
let scratchView = viewOf(scratch)

/** Builds a `uuid[]`. Ids may be upper or lower case, with hyphens or without. null is NULL. */
export function uuidArray<T>(items: readonly T[], pick: (item: T) => string | null): Buffer {
  reserve(0, HEADER_BYTES + items.length * (4 + UUID_BYTES))
  let at = HEADER_BYTES
  let nulls = 0
  for (const item of items) {
    const id = pick(item)
    if (id === null) {
      at = scratch.writeInt32BE(-1, at)
      nulls += 1
    } else {
      at = writeUuid(id, scratch.writeInt32BE(UUID_BYTES, at))
    }
  }
  return finish(UUID_OID, items.length, nulls, at)
}

/** Builds a `text[]`. null is NULL. */
export function textArray<T>(items: readonly T[], pick: (item: T) => string | null): Buffer {
  let at = HEADER_BYTES
  let nulls = 0
  for (const item of items) {
    const text = pick(item)
    reserve(at, 4 + (text?.length ?? 0) * MOST_BYTES_PER_UNIT)
    if (text === null) {
      at = scratch.writeInt32BE(-1, at)
      nulls += 1
    } else {
      const written = scratch.write(text, at + 4, 'utf8')
      scratch.writeInt32BE(written, at)
      at += 4 + written
    }
  }
  reserve(0, HEADER_BYTES)
  return finish(TEXT_OID, items.length, nulls, at)
}

/** Builds a `bigint[]`. */
export function bigintArray<T>(items: readonly T[], pick: (item: T) => bigint | number): Buffer {
  reserve(0, HEADER_BYTES + items.length * 12)
  let at = HEADER_BYTES
  for (const item of items) {
    at = writeInt64(BigInt(pick(item)), scratch.writeInt32BE(8, at))
  }
  return finish(INT8_OID, items.length, 0, at)
}

/** Builds a `smallint[]`. */
export function smallintArray<T>(items: readonly T[], pick: (item: T) => number): Buffer {
  reserve(0, HEADER_BYTES + items.length * 6)
  let at = HEADER_BYTES
  for (const item of items) at = scratch.writeInt16BE(pick(item), scratch.writeInt32BE(2, at))
  return finish(INT2_OID, items.length, 0, at)
}

/** Builds an `int[]`. null is NULL. */
export function intArray<T>(items: readonly T[], pick: (item: T) => number | null): Buffer {
  reserve(0, HEADER_BYTES + items.length * 8)
  let at = HEADER_BYTES
  let nulls = 0
  for (const item of items) {
    const value = pick(item)
    if (value === null) nulls += 1
    at = value === null ? scratch.writeInt32BE(-1, at) : scratch.writeInt32BE(4, at)
    if (value !== null) at = scratch.writeInt32BE(value, at)
  }
  return finish(INT4_OID, items.length, nulls, at)
}

/** Builds a `bytea[]`. null is NULL. */
export function byteaArray<T>(items: readonly T[], pick: (item: T) => Buffer | null): Buffer {
  let at = HEADER_BYTES
  let nulls = 0
  for (const item of items) {
    const bytes = pick(item)
    reserve(at, 4 + (bytes?.length ?? 0))
    at = scratch.writeInt32BE(bytes?.length ?? -1, at)
    if (bytes === null) nulls += 1
    else at += bytes.copy(scratch, at)
  }
  reserve(0, HEADER_BYTES)
  return finish(BYTEA_OID, items.length, nulls, at)
}

/** Builds a `bytea[]` from hexadecimal texts. */
export function hexArray<T>(items: readonly T[], pick: (item: T) => string): Buffer {
  let at = HEADER_BYTES
  for (const item of items) {
    const digits = pick(item)
    if (!BYTES.test(digits)) throw new TypeError(`${JSON.stringify(digits)} is not hexadecimal`)
    reserve(at, 4 + digits.length / 2)
    at = scratch.writeInt32BE(digits.length / 2, at)
    at += scratch.write(digits, at, 'hex')
  }
  reserve(0, HEADER_BYTES)
  return finish(BYTEA_OID, items.length, 0, at)
}

/** Builds a `timestamptz[]` with millisecond precision. null is NULL. */
export function timestamptzArray<T>(items: readonly T[], pick: (item: T) => Date | null): Buffer {
  reserve(0, HEADER_BYTES + items.length * 12)
  let at = HEADER_BYTES
  let nulls = 0
  for (const item of items) {
    const time = pick(item)
    if (time === null) {
      at = scratch.writeInt32BE(-1, at)
      nulls += 1
    } else {
      const microseconds = BigInt(time.getTime() - POSTGRES_EPOCH_MS) * 1_000n
      at = writeInt64(microseconds, scratch.writeInt32BE(8, at))
    }
  }
  return finish(TIMESTAMPTZ_OID, items.length, nulls, at)
}

/** Ensures room for `bytes` after `at`; keeps the bytes before it. */
function reserve(at: number, bytes: number): void {
  if (at + bytes <= scratch.length) return
  const larger = Buffer.allocUnsafe(Math.max(scratch.length * 2, at + bytes))
  scratch.copy(larger, 0, 0, at)
  scratch = larger
  scratchView = viewOf(scratch)
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}

/** Writes the header: one dimension with lower bound 1, or no dimension for an empty array. */
function finish(elementOid: number, count: number, nulls: number, end: number): Buffer {
  scratch.writeInt32BE(count === 0 ? 0 : 1, 0)
  scratch.writeInt32BE(nulls === 0 ? 0 : 1, 4)
  scratch.writeInt32BE(elementOid, 8)
  scratch.writeInt32BE(count, 12)
  scratch.writeInt32BE(1, 16)
  return Buffer.from(scratch.subarray(0, count === 0 ? 12 : end))
}

/** Like `Buffer.writeBigInt64BE`, which creates more bigints and takes ten times as long. */
function writeInt64(value: bigint, start: number): number {
  if (value > INT64_MAX || value < INT64_MIN) {
    throw new RangeError(`${value} does not fit in 64 bits`)
  }
  scratchView.setBigInt64(start, value)
  return start + 8
}

function writeUuid(id: string, start: number): number {
  const pairs = id.length === BARE_LENGTH ? BARE_PAIRS : PAIRS
  let wrong = 0
  for (let index = 0; index < UUID_BYTES; index += 1) {
    const place = pairs[index]!
    const high = HEX_DIGITS[id.charCodeAt(place)] ?? -1
    const low = HEX_DIGITS[id.charCodeAt(place + 1)] ?? -1
    scratch[start + index] = (high << 4) | low
    wrong |= high | low
  }
  // An invalid digit is -1, which makes `wrong` negative.
  if (wrong < 0 || (id.length !== UUID_LENGTH && id.length !== BARE_LENGTH)) {
    throw new TypeError(`${JSON.stringify(id)} is not a UUID`)
  }
  return start + UUID_BYTES
}

function hexDigits(): Int8Array {
  const digits = new Int8Array(128).fill(-1)
  for (const [value, character] of [...'0123456789abcdef'].entries()) {
    digits[character.charCodeAt(0)] = value
    digits[character.toUpperCase().charCodeAt(0)] = value
  }
  return digits
}

/**
 * Array parameters in PostgreSQL's binary form. The text form is escaped here and parsed there
 * character by character, which costs a set-based statement more than its rows; these are copied.
 * Pass the result as the value of `$n::uuid[]`, `$n::bigint[]`, …, of just that type.
 */

const UUID_OID = 2950
const TEXT_OID = 25
const INT8_OID = 20
const INT2_OID = 21
const HEADER_BYTES = 20
const UUID_BYTES = 16
/** UTF-8 needs at most three bytes for one UTF-16 code unit. */
const MOST_BYTES_PER_UNIT = 3
const HEX_DIGITS = hexDigits()

/** Arrays are composed here and copied out; it grows to the largest one seen. */
let scratch = Buffer.allocUnsafe(64 * 1024)

/** `uuid[]`; ids in their usual form with hyphens, in either case. Null is NULL. */
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

/** `text[]`. Null is NULL. */
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

/** `bigint[]`. */
export function bigintArray<T>(items: readonly T[], pick: (item: T) => bigint | number): Buffer {
  reserve(0, HEADER_BYTES + items.length * 12)
  let at = HEADER_BYTES
  for (const item of items) {
    at = scratch.writeBigInt64BE(BigInt(pick(item)), scratch.writeInt32BE(8, at))
  }
  return finish(INT8_OID, items.length, 0, at)
}

/** `smallint[]`. */
export function smallintArray<T>(items: readonly T[], pick: (item: T) => number): Buffer {
  reserve(0, HEADER_BYTES + items.length * 6)
  let at = HEADER_BYTES
  for (const item of items) at = scratch.writeInt16BE(pick(item), scratch.writeInt32BE(2, at))
  return finish(INT2_OID, items.length, 0, at)
}

/** Makes room for `bytes` behind `at`, keeping what is before. */
function reserve(at: number, bytes: number): void {
  if (at + bytes <= scratch.length) return
  const larger = Buffer.allocUnsafe(Math.max(scratch.length * 2, at + bytes))
  scratch.copy(larger, 0, 0, at)
  scratch = larger
}

/** One dimension from 1; an empty array has none. */
function finish(elementOid: number, count: number, nulls: number, end: number): Buffer {
  scratch.writeInt32BE(count === 0 ? 0 : 1, 0)
  scratch.writeInt32BE(nulls === 0 ? 0 : 1, 4)
  scratch.writeInt32BE(elementOid, 8)
  scratch.writeInt32BE(count, 12)
  scratch.writeInt32BE(1, 16)
  return Buffer.from(scratch.subarray(0, count === 0 ? 12 : end))
}

function writeUuid(id: string, start: number): number {
  let at = start
  for (let index = 0; index < id.length; index += 2) {
    if (id.charCodeAt(index) === 0x2d) index += 1
    const high = HEX_DIGITS[id.charCodeAt(index)] ?? -1
    const low = HEX_DIGITS[id.charCodeAt(index + 1)] ?? -1
    if (high < 0 || low < 0) throw new TypeError(`${JSON.stringify(id)} is not a UUID`)
    scratch[at] = (high << 4) | low
    at += 1
  }
  if (at !== start + UUID_BYTES) throw new TypeError(`${JSON.stringify(id)} is not a UUID`)
  return at
}

function hexDigits(): Int8Array {
  const digits = new Int8Array(128).fill(-1)
  for (const [value, character] of [...'0123456789abcdef'].entries()) {
    digits[character.charCodeAt(0)] = value
    digits[character.toUpperCase().charCodeAt(0)] = value
  }
  return digits
}

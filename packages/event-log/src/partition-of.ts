import { PARTITION_COUNT } from '@caudal/contracts/topics.ts'

const M = 0x5bd1e995
const SEED = 0x9747b28c

/** murmur2 with the seed that Kafka's Java client uses, over the UTF-8 bytes; 32 bits, signed. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  let hash = SEED ^ length
  let index = 0
  for (; index + 4 <= length; index += 4) {
    const word =
      bytes[index]! |
      (bytes[index + 1]! << 8) |
      (bytes[index + 2]! << 16) |
      (bytes[index + 3]! << 24)
    const mixed = Math.imul(word, M)
    hash = Math.imul(hash, M) ^ Math.imul(mixed ^ (mixed >>> 24), M)
  }
  const rest = length - index
  if (rest === 3) hash ^= bytes[index + 2]! << 16
  if (rest >= 2) hash ^= bytes[index + 1]! << 8
  if (rest >= 1) hash = Math.imul(hash ^ bytes[index]!, M)
  hash = Math.imul(hash ^ (hash >>> 13), M)
  return hash ^ (hash >>> 15)
}

const encoder = new TextEncoder()
/** UTF-8 needs three bytes for one UTF-16 code unit at most; keys of ours are UUIDs. */
const scratch = new Uint8Array(256 * 3)

/** The partition of a key: the same in both drivers and in Kafka's own clients (rule 3). */
export function partitionOf(key: string): number {
  return (murmur2(bytesOf(key)) & 0x7fffffff) % PARTITION_COUNT
}

function bytesOf(key: string): Uint8Array {
  if (key.length * 3 > scratch.length) return encoder.encode(key)
  return scratch.subarray(0, encoder.encodeInto(key, scratch).written)
}

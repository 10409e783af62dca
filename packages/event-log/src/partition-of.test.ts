import assert from 'node:assert/strict'
import { test } from 'node:test'
import { murmur2, partitionOf } from './partition-of.ts'

test("murmur2 gives the hashes of Kafka's Java client (rule 3)", () => {
  const known: [string, number][] = [
    ['21', -973_932_308],
    ['foobar', -790_332_482],
    ['a-little-bit-long-string', -985_981_536],
    ['a-little-bit-longer-string', -1_486_304_829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
    ['abc', 479_470_107],
  ]
  for (const [text, hash] of known) assert.equal(murmur2(new TextEncoder().encode(text)), hash)
})

test('a key of any length has the partition of its UTF-8 bytes', () => {
  for (const key of ['ß', '€'.repeat(100), 'k'.repeat(256), 'k'.repeat(257), '𝄞'.repeat(300)]) {
    const expected = (murmur2(new TextEncoder().encode(key)) & 0x7fffffff) % 12
    assert.equal(partitionOf(key), expected)
  }
})

test('a key always has the same partition, below the partition count', () => {
  const partition = partitionOf('6f2d1c6e-8f1b-5d0a-9f43-caa0da1ca0da')
  assert.equal(partition, partitionOf('6f2d1c6e-8f1b-5d0a-9f43-caa0da1ca0da'))
  assert.ok(partition >= 0 && partition < 12)
})

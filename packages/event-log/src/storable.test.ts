import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storableCause, storableKey, storableValue } from './storable.ts'

test('a key that PostgreSQL can store and index is unchanged', () => {
  for (const key of ['', 'a/b', 'ñ'.repeat(512)]) assert.equal(storableKey(key), key)
})

test('any other key is short, storable, unlike others, and unchanged the next time', () => {
  const odd = ['\0', 'a\0', 'a\0\0', '\uD800', 'a'.repeat(513), 'a'.repeat(514), '𝄞'.repeat(400)]
  const stored = odd.map(storableKey)
  assert.equal(new Set(stored).size, odd.length)
  for (const key of stored) {
    assert.equal(storableKey(key), key)
    assert.ok(Buffer.byteLength(key) <= 1_536 && !key.includes('\0'), key)
  }
})

test('an unreadable value stays unreadable, and a cause is short', () => {
  assert.throws(() => JSON.parse(storableValue('{"a":"\0"}')), SyntaxError)
  assert.equal(storableValue('{"a":"\\u0000"}'), '{"a":"\\u0000"}')
  assert.equal(storableCause(`\0${'a'.repeat(2_000)}`).length, 1_000)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printable } from './output.ts'

test('a text cannot command the terminal, and stays readable', () => {
  assert.equal(
    printable('red \u001b[31m, clear \u009b2J, \0'),
    'red \\u001b[31m, clear \\u009b2J, \\u0000',
  )
  const plain = 'a line\n\tof ñandú → 10.00 €'
  assert.equal(printable(plain), plain)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CURRENCIES, exponentOf, isCurrency } from './currencies.ts'
import { formatAmount } from './format-amount.ts'

test('an amount is formatted with all decimals of its currency', () => {
  assert.equal(formatAmount(10_050n, 'USD'), '100.50')
  assert.equal(formatAmount(1n, 'EUR'), '0.01')
  assert.equal(formatAmount(0n, 'EUR'), '0.00')
  assert.equal(formatAmount(1_200n, 'JPY'), '1200')
  assert.equal(formatAmount(1_234n, 'BHD'), '1.234')
  assert.equal(formatAmount(5n, 'CLF'), '0.0005')
})

test('a negative amount has a minus sign', () => {
  assert.equal(formatAmount(-5n, 'USD'), '-0.05')
  assert.equal(formatAmount(-(2n ** 63n), 'JPY'), '-9223372036854775808')
})

test('a negative amount is formatted as the positive one with a minus sign', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n }), fc.constantFrom(...CURRENCIES), (minor, code) => {
      assert.equal(formatAmount(-minor, code), `-${formatAmount(minor, code)}`)
    }),
  )
})

test('the table lists each active currency once, with its ISO 4217 exponent', () => {
  assert.equal(CURRENCIES.length, new Set(CURRENCIES).size)
  assert.ok(CURRENCIES.every((code) => /^[A-Z]{3}$/.test(code)))
  assert.equal(exponentOf('COP'), 2)
  assert.equal(exponentOf('KWD'), 3)
  assert.equal(exponentOf('UYW'), 4)
  assert.equal(exponentOf('XOF'), 0)
  assert.ok(isCurrency('XCG') && isCurrency('ZWG') && isCurrency('VED'))
  assert.ok(!isCurrency('HRK') && !isCurrency('ANG') && !isCurrency('SLL'), 'withdrawn')
})

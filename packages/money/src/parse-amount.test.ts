import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AmountError, type AmountErrorCode } from './amount-error.ts'
import { CURRENCIES, exponentOf } from './currencies.ts'
import { formatAmount } from './format-amount.ts'
import { MAX_MINOR, parseAmount } from './parse-amount.ts'

const currency = fc.constantFrom(...CURRENCIES)
const minorUnits = fc.oneof(
  fc.bigInt({ min: 0n, max: 10_000n }),
  fc.bigInt({ min: 0n, max: MAX_MINOR }),
  fc.bigInt({ min: MAX_MINOR - 10n, max: MAX_MINOR }),
)

function refusal(text: string, code: string): AmountErrorCode | null {
  try {
    parseAmount(text, code)
    return null
  } catch (error) {
    assert.ok(error instanceof AmountError)
    return error.code
  }
}

test('P7: a decimal is parsed to minor units of its currency', () => {
  assert.equal(parseAmount('100.50', 'USD'), 10_050n)
  assert.equal(parseAmount('100.5', 'USD'), 10_050n)
  assert.equal(parseAmount('100', 'USD'), 10_000n)
  assert.equal(parseAmount('0.01', 'EUR'), 1n)
  assert.equal(parseAmount('0', 'EUR'), 0n)
  assert.equal(parseAmount('1200', 'JPY'), 1_200n)
  assert.equal(parseAmount('1.234', 'BHD'), 1_234n)
  assert.equal(parseAmount('37012.3456', 'CLF'), 370_123_456n)
})

test('a text that is not a plain decimal is refused', () => {
  const texts = ['', ' ', '.', '1.', '.5', '-1', '+1', '01', '00.10', '1e3', '1,5', '1 ', ' 1']
  for (const text of [...texts, '1.2.3', '0x10', 'NaN', '١', '1_000', '1\n', '1.0n']) {
    assert.equal(refusal(text, 'USD'), 'AMOUNT_MALFORMED', JSON.stringify(text))
  }
})

test('an amount with more decimals than its currency is refused, even if they are zeros', () => {
  assert.equal(refusal('1.001', 'USD'), 'AMOUNT_TOO_PRECISE')
  assert.equal(refusal('1.000', 'USD'), 'AMOUNT_TOO_PRECISE')
  assert.equal(refusal('1.0', 'JPY'), 'AMOUNT_TOO_PRECISE')
})

test('an amount that a bigint column cannot hold is refused', () => {
  assert.equal(parseAmount('92233720368547758.07', 'USD'), MAX_MINOR)
  assert.equal(refusal('92233720368547758.08', 'USD'), 'AMOUNT_TOO_LARGE')
  assert.equal(refusal('9223372036854775808', 'JPY'), 'AMOUNT_TOO_LARGE')
  assert.equal(refusal('9'.repeat(1_000_000), 'JPY'), 'AMOUNT_TOO_LARGE')
})

test('an unknown currency is refused', () => {
  for (const code of ['usd', 'XAU', 'XXX', 'BTC', '', 'constructor']) {
    assert.equal(refusal('1', code), 'UNKNOWN_CURRENCY', code)
  }
})

test('P7: a formatted amount parses to the same minor units', () => {
  fc.assert(
    fc.property(minorUnits, currency, (minor, code) => {
      assert.equal(parseAmount(formatAmount(minor, code), code), minor)
    }),
  )
})

test('any text either parses to an amount in range or throws an AmountError', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^-?[0-9]{0,25}(\.[0-9]{0,6})?$/))
  fc.assert(
    fc.property(text, currency, (input, code) => {
      if (refusal(input, code) !== null) return
      const minor = parseAmount(input, code)
      assert.ok(minor >= 0n && minor <= MAX_MINOR)
      const padding = exponentOf(code) - (input.split('.')[1]?.length ?? 0)
      const full = padding === exponentOf(code) && padding > 0 ? `${input}.` : input
      assert.equal(formatAmount(minor, code), full + '0'.repeat(padding))
    }),
  )
})

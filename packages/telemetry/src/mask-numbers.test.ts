import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lastFour, maskCardNumbers, maskCardNumbersIn } from './mask-numbers.ts'

/** Digits with the Luhn check digit behind them, computed from the left: doubled, summed. */
function withCheckDigit(digits: readonly number[]): string {
  const sum = digits.reduce((total, digit, at) => {
    const weight = (digits.length - at) % 2 === 1 ? 2 : 1
    return total + [...String(digit * weight)].reduce((own, part) => own + Number(part), 0)
  }, 0)
  return `${digits.join('')}${(10 - (sum % 10)) % 10}`
}

const digit = fc.integer({ min: 0, max: 9 })
const cardNumber = fc.array(digit, { minLength: 12, maxLength: 18 }).map(withCheckDigit)
const separator = fc.constantFrom('', '', ' ', '-', '.')
/** A card number in groups, as people and programs write it. */
const written = fc
  .tuple(cardNumber, fc.array(separator, { minLength: 18, maxLength: 18 }))
  .map(([number, separators]) => {
    const text = [...number].map((it, at) => it + (separators[at] ?? '')).slice(0, -1)
    return { number, text: text.join('') + number.at(-1)! }
  })
/** Text around it, without digits. */
const around = fc.stringMatching(/^[G-Zg-z "':,_{}]{0,12}$/)

test('no card number is stored: of each, the last four digits stay', () => {
  fc.assert(
    fc.property(around, written, around, (before, { number, text }, after) => {
      const masked = maskCardNumbers(`${before}${text}${after}`)
      const place = masked.slice(before.length, masked.length - after.length)
      assert.equal(place.replaceAll(/[ .-]/g, ''), '*'.repeat(number.length - 4) + number.slice(-4))
      assert.equal(masked.replaceAll('*', '0').length, before.length + text.length + after.length)
    }),
  )
})

test('a card number beside other groups of digits is masked too', () => {
  fc.assert(
    fc.property(cardNumber, fc.stringMatching(/^\d{1,6}$/), (number, other) => {
      for (const text of [`${other} ${number}`, `${number} ${other}`]) {
        assert.ok(!maskCardNumbers(text).includes(number), text)
      }
    }),
  )
})

test('every text keeps its length and all but digits, and a second run changes nothing', () => {
  const unit = fc.constantFrom(...'0123456789', ' ', '-', '.', 'a', '"')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 80 }), (text) => {
      const masked = maskCardNumbers(text)
      assert.equal(masked.length, text.length)
      for (let at = 0; at < text.length; at += 1) {
        assert.ok(masked[at] === text[at] || (masked[at] === '*' && /\d/.test(text[at]!)))
      }
      assert.equal(maskCardNumbers(masked), masked)
      assert.equal(maskCardNumbersIn(Buffer.from(text)).toString(), masked)
    }),
  )
})

test('a card number whose digits a JSON document escapes is masked, and other escapes stay', () => {
  const escaped = (text: string): string =>
    [...text].map((it) => `\\u00${it.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')
  const mask = (text: string): string => maskCardNumbersIn(Buffer.from(text)).toString()
  const pan = '4111 1111 1111 1111'
  assert.equal(mask(`{"a":"${escaped(pan)}"}`), '{"a":"**** **** **** 1111"}')
  assert.equal(mask(`{"a":"4111\\u00001111${escaped('11111111')}"}`), '{"a":"************1111"}')
  for (const text of ['{"a":"\\u0022\\u00e9\\n"}', String.raw`{"a":"\\u0031 1"}`]) {
    assert.equal(mask(text), text)
  }
})

test('ids, short numbers and numbers without the check digit stay', () => {
  fc.assert(fc.property(fc.uuid(), (id) => assert.equal(maskCardNumbers(`of ${id}`), `of ${id}`)))
  for (const text of [
    '4bf92f3577b34da6a3ce929d0e0e4736',
    '00f067aa0ba902b7',
    '411111111111',
    '4111 1111 1111 1112',
    '2026-11-29T07:12:37.123Z',
    '100.50',
  ]) {
    assert.equal(maskCardNumbers(text), text)
  }
})

test('a long run of digits takes time in proportion to its length', () => {
  // So long that a quadratic search outlasts the limit of a test.
  const text = '1 '.repeat(524_288)
  assert.equal(maskCardNumbers(text).length, text.length)
})

test('an account number is shown by its last four characters', () => {
  assert.equal(lastFour('1234567890'), '****7890')
  assert.equal(lastFour('DE89370400440532013000'), '****3000')
  assert.equal(lastFour('1234'), '****')
})

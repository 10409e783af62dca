import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readForm, writeForm } from './form.ts'

test('what is written is read back, whatever the texts are', () => {
  const texts = fc.string({ unit: 'grapheme' }).filter((text) => text.isWellFormed())
  const names = fc.string({ minLength: 1 }).filter((text) => text.isWellFormed())
  const forms = fc.dictionary(names, texts, { minKeys: 1, maxKeys: 8 })
  fc.assert(
    fc.property(forms, (form) => {
      const fields = Object.entries(form)
      assert.deepEqual([...(readForm(writeForm(fields)) ?? [])], fields)
    }),
  )
})

test('a form that two readers could read differently is none', () => {
  const bad = ['a=1&a=2', 'a=1&b', 'a=%E0%A4%A&b=1', 'a=%FF', 'a=\u0000', 'a=<html>', 'a==1', '']
  for (const text of [...bad, '=1', 'a=1&', 'á=1']) {
    assert.equal(readForm(Buffer.from(text)), null, JSON.stringify(text))
  }
  assert.deepEqual(
    [...(readForm(Buffer.from('a=1+2&b=%2B%C3%A1&c=')) ?? [])],
    [
      ['a', '1 2'],
      ['b', '+á'],
      ['c', ''],
    ],
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { upcastText } from './upcast-event.ts'

const credit = (members: string): string =>
  `{"event_type":"wallet.credit.committed",${members},"amount_minor":9007199254740993}`

test('the text of an older event gets its actor, and integers stay exact', () => {
  const text = upcastText(credit('"schema_version":"1.0.0","client_id":"shop"'))
  assert.deepEqual((JSON.parse(text) as { actor: unknown }).actor, { type: 'client', id: 'shop' })
  assert.match(text, /"amount_minor":9007199254740993[,}]/)
})

test('the text of an event that is not older is unchanged', () => {
  for (const version of ['1.1.0', '1.1.5', '1.2.0', '2.0.0']) {
    const text = credit(`"schema_version":"${version}"`)
    assert.equal(upcastText(text), text)
  }
  const unknown = '{"event_type":"demo.happened","schema_version":"1.0.0"}'
  assert.equal(upcastText(unknown), unknown)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostInUrl } from './host-in-url.ts'

test('a host of any kind makes a URL', () => {
  for (const host of ['127.0.0.1', '::1', 'payments.internal']) {
    assert.equal(new URL(`http://${hostInUrl(host)}:8080`).port, '8080')
  }
  assert.equal(hostInUrl('::1'), '[::1]')
})

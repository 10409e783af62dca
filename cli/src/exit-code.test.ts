import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from '@caudal/config/environment.ts'
import { errorOfStatus, exitCodeOf } from './exit-code.ts'

const codeOf = (status: number, code?: string): number =>
  exitCodeOf(errorOfStatus(status, { code, message: 'it failed' }))

test('only an answer of the system is a no', () => {
  for (const status of [401, 403, 404, 409, 422]) assert.equal(codeOf(status), 1, `${status}`)
  for (const status of [429, 500, 502, 503, 504]) assert.equal(codeOf(status), 3, `${status}`)
  assert.equal(codeOf(400, 'MALFORMED_REQUEST'), 2)
})

test('a fault of the command itself is no answer', () => {
  for (const fault of [new Error('x'), new TypeError('x'), 'x', null, undefined]) {
    assert.equal(exitCodeOf(fault), 3)
  }
})

test('a wrong configuration is wrong usage', () => {
  assert.equal(exitCodeOf(new ConfigError(['DATABASE_URL is not a URL'])), 2)
})

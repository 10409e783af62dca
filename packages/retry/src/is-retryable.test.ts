import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isConnectionFault, isRetryableConflict } from './database-faults.ts'
import { isRetryable } from './is-retryable.ts'

const withCode = (code: string, more: object = {}) =>
  Object.assign(new Error(`fault ${code}`), { code, ...more })

test('lost and refused connections, conflicts and cancelled statements are retryable', () => {
  const codes = ['ECONNREFUSED', 'ECONNRESET', 'EAI_AGAIN', 'UND_ERR_SOCKET', '08006', '57P01']
  for (const code of [...codes, '25006', '40P01', '40001', '55P03', '57014']) {
    assert.equal(isRetryable(withCode(code)), true, code)
  }
  for (const message of ['Connection terminated unexpectedly', 'timeout exceeded when trying']) {
    assert.equal(isRetryable(new Error(message)), true, message)
  }
})

test('every connection fault and conflict of the database is retryable', () => {
  const states = ['08000', '08P01', '53300', '57P02', '57P03', '25P03', '40P01', '40001', '55P03']
  for (const error of states.map((state) => withCode(state))) {
    assert.equal(isConnectionFault(error) || isRetryableConflict(error), true, error.code)
    assert.equal(isRetryable(error), true, error.code)
  }
})

test('a missing socket is a connection fault, a missing file is not', () => {
  assert.equal(isRetryable(withCode('ENOENT', { syscall: 'connect' })), true)
  assert.equal(isRetryable(withCode('ENOENT', { syscall: 'open' })), false)
})

test('the member `retryable` of a fault has priority over its code', () => {
  assert.equal(isRetryable(withCode('ECONNREFUSED', { retryable: false })), false)
  assert.equal(isRetryable(withCode('23505', { retryable: true })), true)
})

test('causes and the parts of an aggregate are checked', () => {
  const down = withCode('ECONNREFUSED')
  assert.equal(isRetryable(new Error('outer', { cause: new Error('x', { cause: down }) })), true)
  assert.equal(isRetryable(new AggregateError([new Error('x'), down])), true)
})

test('bugs, refusals, constraint violations and values that are no errors are not retryable', () => {
  for (const error of [new Error('bug'), withCode('23505'), withCode('42601'), 'down', null]) {
    assert.equal(isRetryable(error), false)
  }
  const circular = new Error('circular')
  circular.cause = circular
  assert.equal(isRetryable(circular), false)
})

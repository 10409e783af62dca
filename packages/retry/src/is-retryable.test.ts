import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isBrokenConnection, isConnectionFault, isRetryableConflict } from './connection-faults.ts'
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

test('databases and peers have one list of connection faults', () => {
  const ofPeers = ['EAI_AGAIN', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_SOCKET']
  for (const code of [...ofPeers, 'ECONNREFUSED', '57P01', '57P03', '08006']) {
    assert.equal(isConnectionFault(withCode(code)), true, code)
  }
  const closed = new Error('Client has encountered a connection error and is not queryable')
  assert.equal(isConnectionFault(closed), true)
  assert.equal(isConnectionFault(withCode('ENOENT', { syscall: 'open' })), false)
})

test('a connection that broke may have carried the request, one that was refused did not', () => {
  for (const code of ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']) {
    assert.equal(isBrokenConnection(withCode(code)), true, code)
  }
  for (const code of ['ECONNREFUSED', 'UND_ERR_HEADERS_TIMEOUT', '57P01']) {
    assert.equal(isBrokenConnection(withCode(code)), false, code)
  }
})

test('a server that is out of disk, memory or connections is retryable', () => {
  for (const code of ['53100', '53200', '53300', '58030']) {
    assert.equal(isRetryable(withCode(code)), true, code)
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

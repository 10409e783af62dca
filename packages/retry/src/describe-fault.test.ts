import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeFault } from './describe-fault.ts'

test('a fault is described by the codes of it and its causes, never by its text', () => {
  const refused = Object.assign(new Error('connect 10.0.0.1:5432'), { code: 'ECONNREFUSED' })
  const down = Object.assign(new Error('x', { cause: refused }), { code: 'DATABASE_UNAVAILABLE' })
  assert.equal(describeFault(down), 'DATABASE_UNAVAILABLE, ECONNREFUSED')
  assert.equal(describeFault(new AggregateError([refused])), 'AggregateError, ECONNREFUSED')
  assert.equal(describeFault(new TypeError('SELECT secret')), 'TypeError')
  assert.equal(describeFault('text'), 'unknown')
})

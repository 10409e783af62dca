import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeFailures, describeFault } from './describe-fault.ts'

test('a fault is described by the codes of it and its causes, never by its text', () => {
  const refused = Object.assign(new Error('connect 10.0.0.1:5432'), { code: 'ECONNREFUSED' })
  const down = Object.assign(new Error('x', { cause: refused }), { code: 'DATABASE_UNAVAILABLE' })
  assert.equal(describeFault(down), 'DATABASE_UNAVAILABLE, ECONNREFUSED')
  assert.equal(describeFault(new AggregateError([refused])), 'AggregateError, ECONNREFUSED')
  assert.equal(describeFault(new TypeError('SELECT secret')), 'TypeError')
  assert.equal(describeFault('text'), 'unknown')
})

test('failures in a row are described by their number and the last one', () => {
  const last = Object.assign(new Error('secret'), { code: 'ECONNREFUSED' })
  assert.equal(describeFailures(0, undefined), undefined)
  assert.equal(describeFailures(1, last), 'failed with ECONNREFUSED')
  assert.equal(
    describeFailures(3, last),
    'failed 3 times in a row, the last time with ECONNREFUSED',
  )
})

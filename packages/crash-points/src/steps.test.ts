import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CATALOGUE } from '@caudal/contracts/catalogue.ts'
import { CRASH_POINTS, STEPS } from './steps.ts'

test('each topic that a service consumes is a step', () => {
  const consumed = Object.values(CATALOGUE).flatMap(({ topic, consumers }) =>
    consumers.length > 0 ? [topic] : [],
  )
  const isTopic = (step: string): boolean => step.includes('.')
  assert.deepEqual(new Set(STEPS.filter(isTopic)), new Set(consumed.filter(isTopic)))
  assert.equal(new Set(CRASH_POINTS).size, 2 * STEPS.length)
})

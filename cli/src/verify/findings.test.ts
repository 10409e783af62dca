import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collectFindings, joinFindings, reportOf } from './findings.ts'

const AT = new Date('2026-11-29T08:00:00Z')
const EARLIER = new Date(AT.getTime() - 1)

test('what changed a moment ago is under way in a busy system and a violation in a still one', () => {
  const { add, finding } = collectFindings(AT)
  add('old', EARLIER)
  add('always wrong')
  add('new', EARLIER, AT)
  const found = finding(3)
  assert.deepEqual(reportOf('check', found, false), {
    name: 'check',
    checked: 3,
    violations: ['old', 'always wrong'],
    violation_count: 2,
    under_way: 1,
  })
  assert.deepEqual(reportOf('check', found, true), {
    name: 'check',
    checked: 3,
    violations: ['old', 'always wrong', 'new'],
    violation_count: 3,
  })
})

test('ten messages are kept of any number of differences', () => {
  const part = () => {
    const { add, finding } = collectFindings(AT)
    for (let n = 0; n < 1_000; n += 1) add(`difference ${n}`, n % 2 === 0 ? AT : EARLIER)
    return finding(1)
  }
  const report = reportOf('check', joinFindings(part(), part()), true)
  assert.deepEqual([report.violations.length, report.violation_count], [10, 2_000])
  assert.equal(part().violations.length, 10)
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SLOW } from '@caudal/testing/slow.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { checkFirstPayment } from '../support/units/check-first-payment.ts'
import { playGuide } from '../support/units/play-guide.ts'

describe('the guide to your own identity provider, orders, PSP and servers', () => {
  const scope = suiteScope()

  test('every file, command and unit of the guide leads to a completed payment', SLOW, async () => {
    const played = await playGuide(scope)
    assert.deepEqual(played.different, [])
    assert.ok(played.compared >= 5, `only ${played.compared} outputs were compared`)
    await checkFirstPayment(played)
  })
})

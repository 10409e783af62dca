import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { runCaudal } from '../support/run-caudal.ts'
import { suiteSystem } from '../support/suite-system.ts'
import {
  chargesOf,
  paymentWithStatus,
  postPayment,
  seed,
  setBehaviour,
} from '../support/user-client.ts'

const SECRET = 'secret-of-the-callbacks'

describe('callbacks through the gateway', () => {
  const system = suiteSystem(suiteScope(), {
    // Only a callback can end the payment before the test gives up.
    env: { CAUDAL_PSP_CALLBACK_SECRETS: SECRET, CAUDAL_PSP_TIMEOUT: '10m' },
  })
  before(async () => {
    await setBehaviour(system.psp_url, { default: 'apply_then_hang' })
    const response = await fetch(`${system.psp_url}/admin/callbacks`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ url: `${system.gateway_url}/callbacks/main/main`, secret: SECRET }),
    })
    assert.equal(response.status, 200)
  })

  test('P15: a payment whose answer never comes completes by the callback, and its steps show it', async () => {
    const [user] = await seed(system.data_dir)
    const { body } = await postPayment(system.gateway_url, user!)
    const id = String(body['payment_id'])
    await paymentWithStatus(system.gateway_url, user!, id, ['COMPLETED'])
    assert.equal((await chargesOf(system.psp_url, id)).length, 1)
    const step = await eventually(async () => {
      const { stdout } = await runCaudal(system.data_dir, ['payment', id, '--json'])
      const { steps } = JSON.parse(stdout) as { steps: { step: string; detail: string }[] }
      return steps.find((one) => one.step === 'psp.callback')
    })
    assert.equal(step?.detail, 'pay approved, applied')
  })
})

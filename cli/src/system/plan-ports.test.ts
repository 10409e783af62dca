import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_PORTS } from '@caudal/config/default-ports.ts'
import { planPorts } from './plan-ports.ts'

const GIVEN = { CAUDAL_PUSH_PORT: '7001' }

test('ports follow that of the gateway as far as by default, unless the environment names one', async () => {
  const { env, release } = await planPorts(GIVEN, [], 9_000)
  await release()
  for (const [key, port] of Object.entries(DEFAULT_PORTS)) {
    const expected = key === 'PUSH' ? 7_001 : port + 920
    assert.equal(env[`CAUDAL_${key}_PORT`], String(expected), key)
  }
  assert.equal(env['CAUDAL_ASYNCBANK_URL'], 'http://127.0.0.1:9010')
})

import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { welcome } from './welcome.ts'

const demoUser = { userId: 'u', token: 't', orderId: 'o' }
const gatewayUrl = 'http://127.0.0.1:8080'

test('the printed commands name the data directory if it is not the default', () => {
  const usual = welcome({ gatewayUrl, dataDir: resolve('.caudal') }, demoUser)
  assert.match(usual, /^npx caudal pay --user u$/m)
  const other = welcome({ gatewayUrl, dataDir: '/srv/pay here' }, demoUser)
  assert.match(other, /^npx caudal payment <payment_id> --data '\/srv\/pay here'$/m)
  assert.match(other, /^npx caudal pay --user u --data '\/srv\/pay here'$/m)
})

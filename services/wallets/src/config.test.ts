import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from './config.ts'

test('everything has a default', () => {
  const config = readConfig({})
  assert.equal(config.port, 8082)
  assert.match(config.databaseUrl, /\/caudal_wallets$/)
  assert.equal(config.batchCommands, 1_000)
})

test('every bad variable is named at once', () => {
  const bad = { CAUDAL_WALLETS_PORT: 'x', CAUDAL_WALLETS_QUEUE_COMMANDS: '0' }
  assert.throws(
    () => readConfig(bad),
    /CAUDAL_WALLETS_PORT [^]*CAUDAL_WALLETS_QUEUE_COMMANDS must be an integer from 1/,
  )
})

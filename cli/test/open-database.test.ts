import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { openServiceDatabases } from '../src/system/open-databases.ts'

const logger = createLogger({ service: 'test', level: 'silent' })
const unreachable = { DATABASE_URL: 'postgres://127.0.0.1:1/postgres' }

test('a gateway does not connect to the database of the environment that services share', async () => {
  const open = (name: string) =>
    openServiceDatabases({ names: [name], dataDir: '/nowhere', env: unreachable, logger }, () => {})
  assert.deepEqual((await open('api-gateway')).env, {})
  await assert.rejects(open('orders'), /DATABASE_URL/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testServer } from '@caudal/testing/test-server.ts'
import pg from 'pg'
import { clientConfig } from '../src/client-config.ts'
import { createPool } from '../src/create-pool.ts'

/** Variables that are meant for other programs, and what each would do to a connection. */
const FOREIGN = {
  PGOPTIONS: '-c default_transaction_read_only=on',
  PGAPPNAME: 'psql',
  PGCLIENT_ENCODING: 'LATIN1',
  PGREPLICATION: 'database',
  PGSSLNEGOTIATION: 'direct',
  PGSSLMODE: 'require',
}
const SETTINGS = `SELECT current_setting('default_transaction_read_only') AS read_only,
  current_setting('application_name') AS name, current_setting('client_encoding') AS encoding`
const OURS = { read_only: 'off', name: 'caudal-test', encoding: 'UTF8' }

test('a connection has the settings of its URL, not those of PG variables', async (t) => {
  const before = { ...process.env }
  t.after(() => {
    for (const name of Object.keys(FOREIGN)) delete process.env[name]
    Object.assign(process.env, before)
  })
  Object.assign(process.env, FOREIGN)
  const { adminUrl } = testServer()
  const client = new pg.Client(clientConfig(adminUrl, { applicationName: 'caudal-test' }))
  await client.connect()
  t.after(() => client.end())
  assert.deepEqual((await client.query(SETTINGS)).rows, [OURS])
  const pool = createPool({ url: adminUrl, applicationName: 'caudal-test', max: 1 })
  t.after(() => pool.end())
  assert.deepEqual((await pool.query(SETTINGS)).rows, [OURS])
})

test('PGSSLMODE counts where the URL has no sslmode, so no connection becomes less safe', async (t) => {
  const before = process.env['PGSSLMODE']
  t.after(() => {
    if (before === undefined) delete process.env['PGSSLMODE']
    else process.env['PGSSLMODE'] = before
  })
  process.env['PGSSLMODE'] = 'require'
  const url = new URL(testServer().adminUrl)
  url.searchParams.delete('sslmode')
  const client = new pg.Client(clientConfig(url.href, { applicationName: 'caudal-test' }))
  await assert.rejects(client.connect(), /does not support SSL/)
})

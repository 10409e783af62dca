import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { readSystemState } from 'caudal/system/state-file.ts'
import { request } from 'undici'
import { dataDirectory, launchSystem } from '../support/launch-system.ts'
import { paymentWithStatus, postPayment, seed } from '../support/user-client.ts'

/** Where Debian's package `prometheus` puts it; CAUDAL_PROMTOOL names another place. */
const PROMTOOL = process.env['CAUDAL_PROMTOOL'] ?? '/usr/bin/promtool'
const NO_PROMTOOL =
  !existsSync(PROMTOOL) && `no ${PROMTOOL}: apt-get install prometheus, or set CAUDAL_PROMTOOL`
/** Names that dashboards and the documentation rely on. */
const NAMES = [
  'http_requests_total',
  'http_request_duration_seconds_bucket',
  'http_open_connections',
  'funds_reserved_total',
  'debits_confirmed_total',
  'payments_under_way_oldest_seconds',
  'psp_payments_in_doubt_oldest_seconds',
  'outbox_unpublished',
  'consumer_lag_records',
  'parked_records',
  'db_query_duration_seconds_bucket',
  'db_pool_connections',
  'db_pool_wait_seconds_count',
  'caudal_build_info',
]

test('P13: metrics have their names, and promtool finds nothing wrong', async (t) => {
  const scrapes = await scrapeAll(t)
  const all = [...scrapes.values()].join('\n')
  const missing = NAMES.filter((name) => !new RegExp(`^${name}[{ ]`, 'm').test(all))
  assert.deepEqual(missing, [])
  assert.ok(/^db_query_duration_seconds_count\{.*query="commit"/m.test(scrapes.get('payments')!))
  assert.ok(/^db_pool_connections\{pool="wallets-commands",/m.test(scrapes.get('wallets')!))
  await t.test('promtool check metrics', { skip: NO_PROMTOOL }, async () => {
    for (const [service, scrape] of scrapes) assert.equal(await lint(scrape), '', service)
  })
})

/** What each service of a system answers after a payment. */
async function scrapeAll(t: Parameters<typeof launchSystem>[0]): Promise<Map<string, string>> {
  const dataDir = await dataDirectory(t)
  const system = await launchSystem(t, { dataDir })
  const [user] = await seed(dataDir)
  const { body } = await postPayment(system.gateway_url, user!)
  await paymentWithStatus(system.gateway_url, user!, String(body['payment_id']), ['COMPLETED'])
  const { operations } = (await readSystemState(dataDir))!
  const scrapes = new Map<string, string>()
  for (const [service, url] of Object.entries(operations)) {
    scrapes.set(service, await (await request(`${url}/metrics`)).body.text())
  }
  assert.ok(scrapes.size >= 9)
  return scrapes
}

/** What promtool reports about a scrape; nothing when it is well formed and well named. */
async function lint(scrape: string): Promise<string> {
  const child = spawn(PROMTOOL, ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(scrape)
  const [out, err] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  return out + err
}

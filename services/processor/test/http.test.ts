import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { factIdOf, newId } from '@caudal/contracts/ids.ts'
import { revokedName } from '@caudal/http/revocations.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { factsOf } from '../src/callbacks/receive-callback.ts'
import { createSyncbankAdapter } from '../src/psp/syncbank-adapter.ts'
import { storeCallbacks } from '../src/store/store-callbacks.ts'
import { call } from './call.ts'
import { fileScope, fundsReserved, world } from './world.ts'

const ISSUER = 'https://identity.caudal.local'
const scope = fileScope(after)
const it = await world(scope)
const { publicKey, privateKey } = await generateKeyPair('ES256')
const jwk = { ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'test' }
const revoked: { subject: string; revoked_at: number }[] = []
const identity = createServer(({ url }, response) => {
  const body = url === '/revocations' ? { keys: ['test'], revoked } : { keys: [jwk] }
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
}).listen(0, '127.0.0.1')
await once(identity, 'listening')
scope.after(() => identity.close().closeAllConnections())
const identityUrl = `http://127.0.0.1:${(identity.address() as AddressInfo).port}`
const service = await it.start({ CAUDAL_IDENTITY_URL: identityUrl })

function token(granted: string, tenantId = 'caudal', client = 'caudal-cli'): Promise<string> {
  return new SignJWT({ tenant_id: tenantId, client_id: client, scope: granted })
    .setProtectedHeader({ alg: 'ES256', kid: 'test', typ: 'at+jwt' })
    .setIssuedAt()
    .setIssuer(ISSUER)
    .setAudience('caudal')
    .setSubject(client)
    .setExpirationTime('5m')
    .sign(privateKey)
}

async function get(path: string, granted?: string, tenantId?: string) {
  const options = granted === undefined ? {} : { token: await token(granted, tenantId) }
  const { status, json } = await call(`${service.url}${path}`, options)
  return { status, body: json() }
}

test('P11: the steps of a payment have their times', async () => {
  await it.behave({ by_account: { lost: 'apply_then_reset' } })
  const event = fundsReserved('lost')
  await it.reserve([event])
  await it.final(event.payment_id)
  const { status, body } = await get(`/internal/payments/${event.payment_id}/steps`, 'trace:read')
  assert.equal(status, 200)
  const steps = body['steps'] as { at: string; step: string; detail: string }[]
  assert.deepEqual(
    steps.map(({ step }) => step),
    ['psp.sending', 'psp.answered', 'psp.in_doubt', 'psp.status_queried'],
  )
  assert.match(steps[1]?.detail ?? '', /^attempt 1: unknown, \d+ ms, /)
  assert.match(steps[3]?.detail ?? '', /^query 1: approved, HTTP 200, \d+ ms$/)
  assert.deepEqual(
    steps.map(({ at }) => at),
    steps.map(({ at }) => at).toSorted(),
  )
  const foreign = await get(`/internal/payments/${event.payment_id}/steps`, 'trace:read', 'other')
  assert.deepEqual(foreign.body, { steps: [] })
})

test('an unknown payment has no steps', async () => {
  const { payment_id: unknown } = fundsReserved()
  const { status, body } = await get(`/internal/payments/${unknown}/steps`, 'trace:read')
  assert.deepEqual({ status, body }, { status: 200, body: { steps: [] } })
})

test('the processor refuses a client that was withdrawn', async () => {
  const path = `${service.url}/internal/payments/${fundsReserved().payment_id}/steps`
  const of = async (client: string) => {
    const own = await token('trace:read', 'caudal', client)
    return (await call(path, { token: own })).status
  }
  assert.equal(await of('former'), 200)
  const afterItsTokens = Math.ceil(Date.now() / 1_000) + 60
  const subject = revokedName('service', 'caudal', 'former')
  revoked.push({ subject, revoked_at: afterItsTokens })
  await eventually(async () => (await of('former')) === 401)
  assert.equal(await of('caudal-cli'), 200)
})

test('steps need their scope, and a malformed id is refused with a code', async () => {
  const path = `/internal/payments/${fundsReserved().payment_id}/steps`
  assert.equal((await get(path)).body['code'], 'UNAUTHENTICATED')
  assert.equal((await get(path, 'orders:read')).body['code'], 'FORBIDDEN')
  const junk = await get('/internal/payments/1%2F2/steps', 'trace:read')
  assert.equal(junk.body['code'], 'MALFORMED_REQUEST')
})

test('a payment is canceled by a client with the scope, until it is sent', async () => {
  const cancel = async (id: string, granted: string, kind = 'pay') => {
    const path = `${service.url}/internal/operations/${id}/cancel`
    const options = { method: 'POST', token: await token(granted), body: { kind } } as const
    const { status, json } = await call(path, options)
    return { status, body: json() }
  }
  const [early, late] = [fundsReserved(), fundsReserved()]
  assert.equal((await cancel(early.payment_id, 'payments:write')).body['code'], 'FORBIDDEN')
  const canceled = { operation_id: early.payment_id, status: 'CANCELED' }
  for (const id of [early.payment_id, early.payment_id.toUpperCase()]) {
    const answer = await cancel(id, 'operations:cancel')
    assert.deepEqual(answer, { status: 200, body: canceled })
  }
  await it.reserve([early, late])
  await it.final(late.payment_id)
  const refused = await cancel(late.payment_id, 'operations:cancel')
  assert.deepEqual([refused.status, refused.body['code']], [409, 'PAYMENT_ALREADY_SENT'])
  const unknown = await cancel(late.payment_id, 'operations:cancel', 'payout')
  assert.equal(unknown.body['code'], 'MALFORMED_REQUEST')
  await eventually(async () => (await it.resultsOf(early.payment_id)).length === 1)
  assert.equal(await it.requests(early.payment_id), 0)
})

test('a client that acts for many tenants names the one whose payment it cancels', async () => {
  const event = { ...fundsReserved(), tenant_id: 'other' }
  const path = `${service.url}/internal/operations/${event.payment_id}/cancel`
  const cancel = async (granted: string) => {
    const body = { kind: 'pay', tenant_id: 'other' }
    const { status } = await call(path, { method: 'POST', token: await token(granted), body })
    return status
  }
  assert.equal(await cancel('operations:cancel'), 403)
  assert.equal(await cancel('operations:cancel tenants:any'), 200)
  await it.reserve([event])
  await eventually(async () => (await it.resultsOf(event.payment_id)).length === 1)
  assert.equal(await it.requests(event.payment_id), 0)
})

test('P15: callbacks are listed by state, newest first, and a client with the scope applies them again', async () => {
  const ids = Array.from({ length: 3 }, () => newId())
  await storeCallbacks(
    it.db,
    ids.map((callbackId) => ({
      callbackId,
      psp: 'main',
      account: 'main',
      body: Buffer.from('?'),
      isMasked: false,
      signedAt: null,
      facts: factsOf(createSyncbankAdapter({}), Buffer.from(`"${callbackId}"`)),
    })),
  )
  const page = async (query: string) =>
    (await get(`/v1/callbacks?${query}`, 'callbacks:read tenants:any')).body as {
      data: { callback_id: string; facts: Record<string, unknown>[] }[]
      next_cursor: string
    }
  const parked = await eventually(async () => {
    const { data } = await page('state=PARKED')
    assert.equal(data.length, 3)
    return data
  })
  assert.deepEqual(
    parked.map((one) => one.callback_id),
    ids.toReversed(),
  )
  const { key, fact_id: factId, ...fact } = parked[0]!.facts[0]!
  assert.equal(factId, factIdOf('main', 'main', String(key)))
  assert.deepEqual(fact, {
    state: 'PARKED',
    cause: 'unknown',
    kind: 'pay',
    reported: 'unknown',
    payment_id: null,
    operation_id: null,
    psp_operation_id: null,
  })
  const first = await page('limit=2')
  const second = await page(`limit=2&cursor=${first.next_cursor}`)
  assert.equal(second.data[0]?.callback_id, ids[0])
  assert.deepEqual((await page('state=APPLIED')).data, [])
  const writing = 'callbacks:write tenants:any'
  assert.equal((await get('/v1/callbacks', writing)).body['code'], 'FORBIDDEN')
  // The account is one of all tenants.
  assert.deepEqual((await get('/v1/callbacks', 'callbacks:read')).body['data'], [])
  const again = async (id: string, granted: string) => {
    const options = { method: 'POST', token: await token(granted) } as const
    const { status, json } = await call(`${service.url}/v1/callbacks/${id}/reprocess`, options)
    return [status, json()['code'] ?? json()['callback_id']]
  }
  assert.deepEqual(await again(ids[0]!, 'callbacks:read tenants:any'), [403, 'FORBIDDEN'])
  assert.deepEqual(await again(ids[0]!, 'callbacks:write'), [404, 'CALLBACK_NOT_FOUND'])
  assert.deepEqual(await again(newId(), writing), [404, 'CALLBACK_NOT_FOUND'])
  assert.deepEqual(await again(ids[0]!, writing), [202, ids[0]])
})

test('P13: the service has health, readiness, metrics and an OpenAPI document', async () => {
  assert.equal((await get('/healthz')).status, 200)
  const ready = await get('/readyz')
  assert.deepEqual(
    { status: ready.status, state: ready.body['status'] },
    { status: 200, state: 'ok' },
  )
  const { paths } = (await get('/openapi.json')).body
  assert.ok('/internal/payments/{payment_id}/steps' in (paths as object))
  const { text: metrics } = await call(`${service.url}/metrics`)
  for (const name of ['psp_request_seconds', 'psp_retries_total', 'psp_circuit_state']) {
    assert.ok(metrics.includes(name), name)
  }
})

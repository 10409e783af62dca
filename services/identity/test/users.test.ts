import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { accountIdOf, newId, walletIdOf } from '@caudal/contracts/ids.ts'
import { readEvent } from '@caudal/contracts/parse-event.ts'
import { PARTITION_COUNT, TOPICS } from '@caudal/contracts/topics.ts'
import { openEventLog } from '@caudal/event-log/open-event-log.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { CLI, loginForm, startTestIdentity, type TestIdentity } from './start-test-identity.ts'

type OutboxRow = { topic: string; record_key: string; payload: string; headers: string }

async function outboxOf({ db }: TestIdentity, userId: string): Promise<OutboxRow[]> {
  const { rows } = await db.query<OutboxRow>(
    `SELECT topic, record_key, payload, headers FROM outbox
     WHERE payload::jsonb ->> 'user_id' = $1`,
    [userId],
  )
  return rows
}

const device = (token: string, platform = 'android') => ({ platform, token })

describe('users', async () => {
  const identity = await startTestIdentity(suiteScope())
  const token = await identity.token('users:read users:write tenants:any')
  const create = (body: unknown) => identity.call('/v1/users', { token, body })
  const lookup = (userIds: string[], tenantId = 'caudal') =>
    identity.call('/v1/users/lookup', { token, body: { tenant_id: tenantId, user_ids: userIds } })

  test('a created user is found with locale and devices, an unknown one is left out', async () => {
    const id = newId()
    const devices = [device(`${id}-a`), device(`${id}-b`, 'ios')]
    const created = await create({ users: [{ user_id: id, locale: 'es-PE', devices }] })
    assert.equal(created.status, 201)
    const [user] = created.body.users
    assert.equal(user!.wallet_id, walletIdOf('caudal', id))
    assert.deepEqual(user!.accounts, [
      { account_id: accountIdOf('caudal', id, 'USD'), currency: 'USD' },
    ])
    const found = await lookup([id, newId()])
    assert.equal(found.status, 200)
    assert.equal(found.body.users.length, 1)
    assert.deepEqual(Object.keys(found.body.users[0]!), ['user_id', 'locale', 'devices'])
    assert.equal(found.body.users[0]!.locale, 'es-PE')
    const reach = found.body.users[0]!.devices.map(({ platform, token: name }) =>
      device(name, platform),
    )
    assert.deepEqual(new Set(reach), new Set(devices))
    assert.deepEqual((await lookup([id], 'another')).body.users, [])
  })

  test('E6: the event has the accounts and no personal data', async () => {
    const id = newId()
    const user = { user_id: id, locale: 'es-PE', devices: [device(`secret-${id}`)] }
    await create({ users: [user], currencies: ['EUR', 'JPY'] })
    const [row] = await outboxOf(identity, id)
    const event = readEvent(row!.payload)
    assert.ok('event_type' in event && event.event_type === 'user.created')
    const accounts = ['EUR', 'JPY'].map((currency) => ({
      account_id: accountIdOf('caudal', id, currency),
      currency,
    }))
    assert.deepEqual(event.accounts, accounts)
    assert.equal(event.account_id, accounts[0]!.account_id)
    assert.equal(row!.record_key, accounts[0]!.account_id)
    assert.equal(event.wallet_id, walletIdOf('caudal', id))
    assert.deepEqual(event.actor, { type: 'client', id: CLI.id }, 'the caller')
    assert.ok(!row!.payload.includes('es-PE') && !row!.payload.includes('secret-'))
    const { traceparent } = JSON.parse(row!.headers) as { traceparent: string }
    assert.match(traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)
  })

  test('F3: the event reaches the log', async (t) => {
    const id = newId()
    await create({ users: [{ user_id: id }] })
    const logger = createLogger({ service: 'test', level: 'silent' })
    const log = await openEventLog({ serverUrl: identity.logUrl, url: identity.logUrl }, logger)
    t.after(() => log.close())
    const topic = TOPICS.users
    const positions = Array.from({ length: PARTITION_COUNT }, (_, partition) => {
      return { topic, partition, offset: 0n }
    })
    const { signal } = new AbortController()
    await eventually(async () => {
      const records = await log.read(positions, { maxRecords: 10_000, waitMs: 0, signal })
      return records.some(({ value }) => value.includes(id))
    })
  })

  test('F2: an existing user is not changed, and its event is emitted once', async () => {
    const id = newId()
    const first = await create({ users: [{ user_id: id, locale: 'de', devices: [device(id)] }] })
    const [again, other] = [{ user_id: id.toUpperCase(), locale: 'fr' }, { user_id: newId() }]
    const second = await create({ users: [again, other] })
    assert.equal(second.status, 201)
    assert.deepEqual(second.body.users[0], first.body.users[0])
    assert.equal(second.body.users[1]!.user_id, other.user_id)
    assert.equal((await outboxOf(identity, id)).length, 1)
  })

  test('requests that arrive together create users of several tenants, each request its own', async () => {
    const id = newId()
    const answers = await Promise.all([
      create({ users: [{ user_id: id, locale: 'de' }, { user_id: newId() }] }),
      create({ tenant_id: 'another', users: [{ user_id: id, locale: 'fr' }] }),
      create({ users: [{ user_id: id, locale: 'fr' }] }),
    ])
    const seen = answers.map(({ body }) => body.users.map((user) => [user.tenant_id, user.user_id]))
    const other = answers[0].body.users[1]!.user_id
    assert.deepEqual(seen, [
      [
        ['caudal', id],
        ['caudal', other],
      ],
      [['another', id]],
      [['caudal', id]],
    ])
    assert.equal(answers[0].body.users[0]!.locale, answers[2].body.users[0]!.locale)
    assert.equal((await outboxOf(identity, id)).length, 2)
  })

  test('concurrent requests create a user once', async () => {
    const ids = Array.from({ length: 20 }, () => newId())
    const users = ids.map((user_id) => ({ user_id, devices: [device(`at-once-${user_id}`)] }))
    const answers = await Promise.all(
      [users, users.toReversed(), users, users.toReversed()].map((some) => create({ users: some })),
    )
    for (const answer of answers) assert.equal(answer.status, 201)
    for (const id of ids) assert.equal((await outboxOf(identity, id)).length, 1)
  })

  test('a device belongs to the user that registered it last', async () => {
    const [anna, ben] = [newId(), newId()]
    const shared = device(`shared-${anna}`)
    await create({ users: [{ user_id: anna, devices: [shared, device(`own-${anna}`)] }] })
    const handed = await create({ users: [{ user_id: ben, devices: [shared] }] })
    assert.equal(handed.body.users[0]!.devices.length, 1)
    const annas = (await lookup([anna])).body.users[0]!.devices
    assert.deepEqual(
      annas.map((one) => one.token),
      [`own-${anna}`],
    )
    const [first, last] = [newId(), newId()]
    const twice = device(`twice-${first}`)
    const made = await create({
      users: [
        { user_id: first, devices: [twice] },
        { user_id: last, devices: [twice] },
      ],
    })
    assert.deepEqual(
      made.body.users.map((user) => user.devices.length),
      [0, 1],
    )
  })

  test('new and moved devices have the time of their user and keep its order', async () => {
    const [before, after, name] = [newId(), newId(), newId()]
    await create({ users: [{ user_id: before, devices: [device(`${name}-1`)] }] })
    const devices = [device(`${name}-1`), device(`${name}-2`)]
    await create({ users: [{ user_id: after, devices }] })
    const [user] = (await lookup([after])).body.users
    assert.deepEqual(
      user!.devices.map(({ token: each }) => each),
      [`${name}-1`, `${name}-2`],
    )
    const { rows } = await identity.db.query(
      `SELECT d.token FROM devices d JOIN users u USING (tenant_id, user_id)
       WHERE user_id = $1 AND d.created_at = u.created_at ORDER BY d.token`,
      [after],
    )
    assert.deepEqual(rows, [{ token: `${name}-1` }, { token: `${name}-2` }])
  })

  test('P6: the removal of a dead device can be repeated', async () => {
    const id = newId()
    await create({ users: [{ user_id: id, devices: [device(`dead-${id}`), device(`ok-${id}`)] }] })
    const remove = (tenantId: string) =>
      identity.call('/v1/devices/remove', {
        token,
        body: { tenant_id: tenantId, tokens: [`dead-${id}`, 'never-seen'] },
      })
    assert.deepEqual((await remove('another')).body, { removed: 0 })
    assert.deepEqual((await remove('caudal')).body, { removed: 1 })
    assert.deepEqual((await remove('caudal')).body, { removed: 0 })
    const [user] = (await lookup([id])).body.users
    assert.deepEqual(
      user!.devices.map((one) => one.token),
      [`ok-${id}`],
    )
  })

  test('a thousand users with a device each are created by one request', async () => {
    const ids = Array.from({ length: 1_000 }, () => newId())
    const users = ids.map((user_id) => ({ user_id, devices: [device(`many-${user_id}`)] }))
    const created = await create({ users })
    assert.deepEqual(
      created.body.users.map((user) => user.user_id),
      ids,
    )
    assert.ok(created.body.users.every((user) => user.devices.length === 1))
    assert.equal((await lookup(ids)).body.users.length, 1_000)
  })

  test('users can read only themselves', async () => {
    const [anna, ben] = [newId(), newId()]
    await create({ users: [{ user_id: anna, locale: 'es' }, { user_id: ben }] })
    const person = (await identity.ask(loginForm(anna))).body.access_token
    const own = await identity.call(`/v1/users/${anna}`, { token: person })
    assert.equal(own.status, 200)
    assert.equal(own.body['locale'], 'es')
    const other = await identity.call(`/v1/users/${ben}`, { token: person })
    assert.equal(other.body['code'], 'USER_NOT_FOUND')
    const across = await identity.call(`/v1/users/${anna}?tenant_id=another`, { token: person })
    assert.equal(across.body['code'], 'USER_NOT_FOUND')
    assert.equal((await identity.call(`/v1/users/${ben}`, { token })).status, 200)
    const missing = await identity.call(`/v1/users/${newId()}`, { token })
    assert.equal(missing.status, 404)
  })

  test('writes and lookups need a scope of services', async () => {
    const reader = await identity.token('users:read')
    const body = { users: [{}] }
    assert.equal((await identity.call('/v1/users', { token: reader, body })).status, 403)
    const writer = await identity.token('users:write')
    const some = { tenant_id: 'caudal', user_ids: [] }
    const refused = await identity.call('/v1/users/lookup', { token: writer, body: some })
    assert.equal(refused.body['code'], 'FORBIDDEN')
    const dead = { tenant_id: 'caudal', tokens: [] }
    assert.equal(
      (await identity.call('/v1/devices/remove', { token: reader, body: dead })).status,
      403,
    )
    assert.equal((await identity.call(`/v1/users/${newId()}`, { token: writer })).status, 403)
    assert.equal((await identity.call('/v1/users', { body })).body['code'], 'UNAUTHENTICATED')
  })

  test('another tenant than that of the token needs a scope for exactly that', async () => {
    const own = await identity.token('users:read users:write users:impersonate')
    const id = newId()
    await create({ tenant_id: 'another', users: [{ user_id: id }] })
    const elsewhere = { tenant_id: 'another' }
    const calls: [string, object][] = [
      ['/v1/users', { ...elsewhere, users: [{}] }],
      ['/v1/users/lookup', { ...elsewhere, user_ids: [id] }],
      ['/v1/devices/remove', { ...elsewhere, tokens: ['x'] }],
      ['/v1/tokens', { ...elsewhere, users: [{ user_id: id }] }],
      ['/v1/client-tokens', { ...elsewhere, client_id: 'bench', scope: 'users:read' }],
    ]
    for (const [path, body] of calls) {
      const answer = await identity.call(path, { token: own, body })
      assert.equal(answer.body['code'], 'FORBIDDEN', path)
      assert.match(String(answer.body['detail']), /tenants:any/)
    }
    const read = await identity.call(`/v1/users/${id}?tenant_id=another`, { token: own })
    assert.equal(read.body['code'], 'FORBIDDEN')
    const named = await identity.call('/v1/users', {
      token: own,
      body: { tenant_id: 'caudal', users: [{}] },
    })
    assert.equal(named.status, 201)
  })

  test('invalid users are refused with the name of the member', async () => {
    const id = newId()
    const refusals: [unknown, string][] = [
      [{ users: [] }, 'users'],
      [{ users: [{ user_id: 'me' }] }, 'users.0.user_id'],
      [{ users: [{ user_id: id }, { user_id: id.toUpperCase() }] }, 'users.1.user_id'],
      [{ users: [{ locale: 'the Spanish one' }] }, 'users.0.locale'],
      [{ users: [{ currencies: ['ZZZ'] }] }, 'users.0.currencies.0'],
      [{ users: [{ currencies: ['USD', 'USD'] }] }, 'users.0.currencies'],
      [{ users: [{ name: 'Anna' }] }, 'users.0.name'],
      [{ users: [{ devices: [device('a b')] }] }, 'users.0.devices.0.token'],
      [{ users: [{ devices: [device('a', 'pager')] }] }, 'users.0.devices.0.platform'],
    ]
    for (const [body, param] of refusals) {
      const refused = await create(body)
      assert.equal(refused.status, 400, param)
      assert.equal(refused.body['code'], 'MALFORMED_REQUEST')
      assert.equal(refused.body['param'], param)
    }
  })

  test('P13: the service has health, readiness, metrics and an OpenAPI document', async () => {
    assert.equal((await fetch(`${identity.url}/healthz`)).status, 200)
    const ready = await identity.call('/readyz', {})
    assert.equal(ready.body['status'], 'ok')
    const metrics = await (await fetch(`${identity.url}/metrics`)).text()
    assert.match(metrics, /tokens_issued_total\{kind="client"/)
    const { paths } = (await identity.call('/openapi.json', {})).body as unknown as {
      paths: Record<string, unknown>
    }
    assert.deepEqual(Object.keys(paths).toSorted(), [
      '/v1/client-tokens',
      '/v1/devices/remove',
      '/v1/tokens',
      '/v1/users',
      '/v1/users/lookup',
      '/v1/users/{user_id}',
    ])
  })
})

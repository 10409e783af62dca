import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { changedCursors } from '@caudal/testing/changed-cursors.ts'
import { anOrder } from './an-order.ts'
import { startTestOrders } from './start-test-orders.ts'

test('orders over HTTP', async (t) => {
  const orders = await startTestOrders(t)

  await t.test('P2: created orders are found only by their owner', async () => {
    const [anna, ben] = [newId(), newId()]
    const wanted = [anOrder(anna, { amount: '100.5' }), anOrder(ben)]
    const created = await orders.call('/v1/orders', { body: { orders: wanted } })
    assert.equal(created.status, 201)
    assert.deepEqual(
      created.body.orders.map((order) => order['external_order_id']),
      wanted.map((order) => order.external_order_id),
    )

    const key = (userId: string, order: { external_order_id: string }) => ({
      tenant_id: 'caudal',
      user_id: userId,
      external_order_id: order.external_order_id,
    })
    const asked = [
      key(anna, wanted[0]!),
      key(anna, wanted[1]!), // another user's
      { ...key(ben, wanted[1]!), tenant_id: 'another' },
      key(anna, { external_order_id: newId() }), // unknown
    ]
    const found = await orders.call('/v1/orders/lookup', { body: { orders: asked } })
    assert.equal(found.status, 200)
    assert.equal(found.body.orders.length, 1)
    const { created_at: createdAt, ...order } = found.body.orders[0]!
    assert.ok(Date.parse(createdAt!) > 0)
    assert.deepEqual(order, {
      ...wanted[0],
      tenant_id: 'caudal',
      amount: '100.50',
      status: 'UNPAID',
    })
  })

  await t.test('the serial order id never leaves the service', async () => {
    const user = newId()
    const order = anOrder(user)
    const created = await orders.call('/v1/orders', { body: { orders: [order, anOrder(user)] } })
    const key = { tenant_id: 'caudal', user_id: user, external_order_id: order.external_order_id }
    const found = await orders.call('/v1/orders/lookup', { body: { orders: [key] } })
    const list = await orders.call(`/v1/users/${user}/orders?limit=1`)
    for (const view of [...created.body.orders, ...found.body.orders, ...list.body.data]) {
      assert.ok(!('order_id' in view))
    }
    const cursor = Buffer.from(String(list.body['next_cursor']), 'base64url').toString('latin1')
    assert.match(cursor, /\{"after":"[0-9a-f-]{36}"\}$/)
  })

  await t.test(
    'F2: a repeated creation answers the same orders, other contents are refused',
    async () => {
      const order = anOrder(newId())
      const first = await orders.call('/v1/orders', { body: { orders: [order] } })
      const second = await orders.call('/v1/orders', { body: { orders: [order] } })
      assert.equal(second.status, 201)
      assert.deepEqual(second.body, first.body)

      const other = anOrder(order.user_id)
      const changed = { ...order, amount: '99.00' }
      const refused = await orders.call('/v1/orders', { body: { orders: [other, changed] } })
      assert.equal(refused.status, 422)
      assert.equal(refused.body['code'], 'IDEMPOTENCY_MISMATCH')
      const { rows } = await orders.db.query('SELECT amount_minor FROM orders WHERE user_id = $1', [
        order.user_id,
      ])
      assert.deepEqual(rows, [{ amount_minor: 1_000n }], 'its neighbour was not created either')
    },
  )

  await t.test('invalid orders are refused with the name of the member', async () => {
    const order = anOrder(newId())
    const refusals: [unknown, string][] = [
      [{ orders: [] }, 'orders'],
      [{ orders: [{ ...order, amount: '0.00' }] }, 'orders.0.amount'],
      [{ orders: [{ ...order, amount: '1.005' }] }, 'orders.0.amount'],
      [{ orders: [{ ...order, amount: '-1.00' }] }, 'orders.0.amount'],
      [{ orders: [{ ...order, amount: 10 }] }, 'orders.0.amount'],
      [{ orders: [{ ...order, currency: 'ZZZ' }] }, 'orders.0.currency'],
      [{ orders: [{ ...order, user_id: 'me' }] }, 'orders.0.user_id'],
      [{ orders: [{ ...order, order_id: 1 }] }, 'orders.0.order_id'],
      [{ orders: [order, order] }, 'orders.1.external_order_id'],
      [{ orders: Array.from({ length: 1_001 }, () => order) }, 'orders'],
    ]
    for (const [body, param] of refusals) {
      const refused = await orders.call('/v1/orders', { body })
      assert.equal(refused.status, 400, param)
      assert.equal(refused.body['code'], 'MALFORMED_REQUEST')
      assert.equal(refused.body['param'], param)
    }
  })

  await t.test("a user's orders come newest first, page by page, and by status", async () => {
    const user = newId()
    const wanted = Array.from({ length: 5 }, () => anOrder(user))
    for (const order of wanted) await orders.call('/v1/orders', { body: { orders: [order] } })
    await orders.call('/v1/orders', { body: { orders: [anOrder(newId())] } })

    const seen: string[] = []
    let cursor = ''
    do {
      const page = await orders.call(`/v1/users/${user}/orders?limit=2${cursor}`)
      assert.equal(page.status, 200)
      seen.push(...page.body.data.map((order) => order['external_order_id']!))
      cursor = page.body['has_more'] ? `&cursor=${String(page.body['next_cursor'])}` : ''
    } while (cursor !== '')
    assert.deepEqual(seen, wanted.map((order) => order.external_order_id).toReversed())

    const paid = await orders.call(`/v1/users/${user}/orders?status=PAID`)
    assert.deepEqual(paid.body, { data: [], has_more: false, next_cursor: null })
    for (const query of ['limit=0', 'limit=-1', 'limit=101', 'cursor=junk', 'status=LATE']) {
      const refused = await orders.call(`/v1/users/${user}/orders?${query}`)
      assert.equal(refused.body['code'], 'MALFORMED_REQUEST', query)
    }
  })

  await t.test('a changed cursor, and that of another user or filter, is refused', async () => {
    const [anna, ben] = [newId(), newId()]
    for (const user of [anna, anna, ben, ben]) {
      await orders.call('/v1/orders', { body: { orders: [anOrder(user)] } })
    }
    const list = await orders.call(`/v1/users/${anna}/orders?limit=1`)
    const cursor = String(list.body['next_cursor'])
    const plain = Buffer.from(JSON.stringify({ after: newId() })).toString('base64url')
    const paths = [
      ...[plain, ...changedCursors(cursor)].map((one) => `/v1/users/${anna}/orders?cursor=${one}`),
      `/v1/users/${ben}/orders?cursor=${cursor}`,
      `/v1/users/${anna}/orders?status=UNPAID&cursor=${cursor}`,
    ]
    for (const path of paths) {
      const refused = await orders.call(path)
      assert.equal(refused.status, 400, path)
      assert.equal(refused.body['param'], 'cursor')
    }
    const rest = await orders.call(`/v1/users/${anna}/orders?cursor=${cursor}`)
    assert.equal(rest.body.data.length, 1)
  })

  await t.test('users see only their own orders, and only through the gateway', async () => {
    const [anna, ben] = [newId(), newId()]
    await orders.call('/v1/orders', { body: { orders: [anOrder(anna)] } })
    const path = `/v1/users/${anna}/orders`

    const own = await orders.call(path, { token: await orders.userToken(anna) })
    assert.equal(own.body.data.length, 1)
    const others = await orders.call(path, { token: await orders.userToken(ben) })
    assert.equal(others.body['code'], 'FORBIDDEN')
    const tenant = { token: await orders.userToken(anna, { tenantId: 'another' }) }
    assert.deepEqual((await orders.call(path, tenant)).body.data, [])
    const across = await orders.call(`${path}?tenant_id=caudal`, tenant)
    assert.equal(across.body['code'], 'FORBIDDEN')
    const direct = { token: await orders.userToken(anna, { issuer: 'identity' }) }
    assert.equal((await orders.call(path, direct)).status, 401)
  })

  await t.test('the tenant comes from the token, never from a body or a query', async () => {
    const user = newId()
    const token = await orders.serviceToken('orders:read orders:write')
    const order = anOrder(user)
    const foreign = { ...order, tenant_id: 'another' }
    const created = await orders.call('/v1/orders', { body: { orders: [foreign] }, token })
    assert.equal(created.body['code'], 'FORBIDDEN')
    const own = { ...order, tenant_id: 'caudal' }
    const allowed = await orders.call('/v1/orders', { body: { orders: [own] }, token })
    assert.equal(allowed.status, 201)
    const key = { tenant_id: 'another', user_id: user, external_order_id: order.external_order_id }
    const found = await orders.call('/v1/orders/lookup', { body: { orders: [key] }, token })
    assert.equal(found.body['code'], 'FORBIDDEN')
    const listed = await orders.call(`/v1/users/${user}/orders?tenant_id=another`, { token })
    assert.equal(listed.body['code'], 'FORBIDDEN')
    const { rowCount } = await orders.db.query(
      "SELECT FROM orders WHERE user_id = $1 AND tenant_id = 'another'",
      [user],
    )
    assert.equal(rowCount, 0)
  })

  await t.test('the user of a token in capitals is the same user', async () => {
    const user = newId()
    await orders.call('/v1/orders', { body: { orders: [anOrder(user)] } })
    const token = await orders.userToken(user.toUpperCase())
    const listed = await orders.call(`/v1/users/${user}/orders`, { token })
    assert.equal(listed.body.data.length, 1)
  })

  await t.test(
    'a token without the scope, or of a person, neither writes nor looks up',
    async () => {
      const user = newId()
      const body = { orders: [anOrder(user)] }
      const reader = await orders.serviceToken('orders:read')
      assert.equal((await orders.call('/v1/orders', { body, token: reader })).status, 403)
      const writer = await orders.serviceToken('orders:write')
      const lookup = { orders: [] }
      const refused = await orders.call('/v1/orders/lookup', { body: lookup, token: writer })
      assert.equal(refused.body['code'], 'FORBIDDEN')
      const person = await orders.userToken(user)
      assert.equal((await orders.call('/v1/orders', { body, token: person })).status, 403)
      const asPerson = await orders.call('/v1/orders/lookup', { body: lookup, token: person })
      assert.equal(asPerson.status, 403)
      const none = await orders.call('/v1/orders', { body, token: '' })
      assert.equal(none.body['code'], 'UNAUTHENTICATED')
      const { rowCount } = await orders.db.query('SELECT FROM orders WHERE user_id = $1', [user])
      assert.equal(rowCount, 0)
    },
  )

  await t.test('500 orders are found by one lookup', async () => {
    const users = Array.from({ length: 500 }, () => newId())
    const wanted = users.map((user) => anOrder(user))
    await orders.call('/v1/orders', { body: { orders: wanted } })
    const keys = wanted.map((order) => ({
      tenant_id: 'caudal',
      user_id: order.user_id,
      external_order_id: order.external_order_id,
    }))
    const found = await orders.call('/v1/orders/lookup', { body: { orders: keys } })
    assert.equal(found.body.orders.length, 500)
  })

  await t.test(
    'P13: the service has health, readiness, metrics and an OpenAPI document',
    async () => {
      assert.equal((await fetch(`${orders.url}/healthz`)).status, 200)
      const ready = await fetch(`${orders.url}/readyz`)
      assert.equal(((await ready.json()) as { status: string }).status, 'ok')
      assert.match(await (await fetch(`${orders.url}/metrics`)).text(), /http_requests_total/)
      const described = (await (await fetch(`${orders.url}/openapi.json`)).json()) as {
        paths: Record<string, unknown>
      }
      const paths = ['/v1/orders', '/v1/orders/lookup', '/v1/users/{user_id}/orders']
      assert.deepEqual(Object.keys(described.paths).toSorted(), paths)
    },
  )
})

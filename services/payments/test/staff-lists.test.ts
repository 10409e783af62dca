import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { changedCursors } from '@caudal/testing/changed-cursors.ts'
import { planOf } from '@caudal/testing/plan-of.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import pg from 'pg'
import { listTenantPayments, type PaymentFilter } from '../src/store/list-tenant-payments.ts'
import { call, createWorld, pay, type World } from './world.ts'

const ROWS = 40_000
/** Far less than the table has. */
const BLOCKS_AT_MOST = 300
const SOME_USER = '00000000-0000-4000-8000-000000000007'

/** Payments of two tenants and 500 users: most are completed, some failed, few are under way. */
const FILL = `
  INSERT INTO payments (payment_id, tenant_id, user_id, account_id, external_order_id, amount_minor,
    currency, service_name, status, order_freed, reason, trace_id, created_at, updated_at,
    finalized_at, refunded_minor, returned_minor)
  SELECT ('01a20000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    CASE WHEN n % 2 = 0 THEN 'caudal' ELSE 'acme' END,
    ('00000000-0000-4000-8000-' || lpad((n % 500)::text, 12, '0'))::uuid, gen_random_uuid(),
    ('00000000-0000-4000-9000-' || lpad((n - n % 3)::text, 12, '0'))::uuid, 1000, 'USD', 'Water',
    status, status = 'FAILED', CASE WHEN status = 'FAILED' THEN 'gateway_declined' END,
    gen_random_uuid(), at, at, CASE WHEN status IN ('COMPLETED', 'FAILED') THEN at END,
    CASE WHEN status = 'COMPLETED' AND n % 1000 = 3 THEN 400
      WHEN status = 'COMPLETED' AND n % 1000 = 7 THEN 1000 ELSE 0 END,
    CASE WHEN status = 'COMPLETED' AND n % 1000 = 9 THEN 1 ELSE 0 END
  FROM (
    SELECT n, '2026-01-01T00:00:00Z'::timestamptz + n / 4 * interval '1 second' AS at,
      CASE WHEN n % 3 <> 0 THEN 'FAILED' WHEN n % 999 = 0 THEN 'IN_DOUBT' ELSE 'COMPLETED' END
        AS status
    FROM generate_series(1, ${ROWS}) n
  ) AS made`

type Listed = { payment_id: string; status: string; user_id: string; created_at: string }
type Page = { data: Listed[]; has_more: boolean; next_cursor: string | null }

describe('the payments of a tenant, for staff', () => {
  const scope = suiteScope()
  let world: World
  let service: RunningService
  let token = ''
  before(async () => {
    world = await createWorld(scope)
    service = await world.start()
    token = await world.peers.serviceToken('payments:read')
  })

  const url = (query: string) => `${service.url}/v1/ops/payments${query}`

  async function list(query: string): Promise<Page> {
    const { status, json, text } = await call(url(`?${query}`), { token })
    assert.equal(status, 200, text)
    return json as unknown as Page
  }

  /** All payments of a list, read by small pages. */
  async function all(query: string): Promise<string[]> {
    const ids: string[] = []
    let cursor = ''
    for (;;) {
      const page = await list(`limit=3&${query}${cursor}`)
      ids.push(...page.data.map((payment) => payment.payment_id))
      if (page.next_cursor === null) return ids
      cursor = `&cursor=${page.next_cursor}`
    }
  }

  test('a list has the payments of all users that its filters let through, newest first', async () => {
    const [ada, bob] = [newId(), newId()]
    const made: { id: string; user: string; order: string }[] = []
    for (const user of [ada, bob, ada, bob, ada]) {
      const order = world.peers.addOrder(user).external_order_id
      const { json } = await pay(service, await world.peers.userToken(user), order)
      made.unshift({ id: String(json['payment_id']), user, order })
    }
    const ids = made.map(({ id }) => id)
    assert.deepEqual(await all(''), ids)
    assert.deepEqual(await all('status=PENDING'), ids)
    assert.deepEqual(await all('status=COMPLETED'), [])
    const ofBob = made.filter(({ user }) => user === bob).map(({ id }) => id)
    assert.deepEqual(await all(`user_id=${bob.toUpperCase()}`), ofBob)
    assert.deepEqual(await all(`external_order_id=${made[1]!.order}`), [made[1]!.id])
    const { data } = await list(`user_id=${bob}`)
    const later = encodeURIComponent(data[0]!.created_at)
    assert.ok(!(await all(`created_before=${later}`)).includes(ofBob[0]!))
    assert.equal(data[0]!.user_id, bob)
    const one = await call(url(`/${ofBob[0]}`), { token })
    assert.deepEqual(one.json, data[0])
  })

  test('only a client of the tenant sees them', async () => {
    const { peers } = world
    const elsewhere = await peers.serviceToken('payments:read', { tenant_id: 'acme' })
    assert.deepEqual((await call(url(''), { token: elsewhere })).json['data'], [])
    const [first] = (await list('limit=1')).data
    assert.equal((await call(url(`/${first!.payment_id}`), { token: elsewhere })).status, 404)
    for (const refused of [await peers.userToken(newId()), await peers.serviceToken('x:y')]) {
      assert.equal((await call(url(''), { token: refused })).status, 403)
      assert.equal((await call(url(`/${first!.payment_id}`), { token: refused })).status, 403)
    }
  })

  test('a wrong filter or a changed cursor is refused', async () => {
    const { next_cursor: cursor } = await list('limit=1')
    const cursors = [...changedCursors(cursor!)].map((changed) => `cursor=${changed}`)
    for (const query of [
      'status=LOST',
      'user_id=ada',
      'created_before=soon',
      'created_before=2026-02-30T00:00:00Z',
      'older=1',
      `status=PENDING&cursor=${cursor}`,
      ...cursors,
    ]) {
      const { json, status } = await call(url(`?${query}`), { token })
      assert.deepEqual([status, json['code']], [400, 'MALFORMED_REQUEST'], query)
    }
  })

  test('every filter is read by index, on the first page and on the last', async (t) => {
    const { pool } = world.db
    await pool.query(FILL)
    const owner = new pg.Client(world.db.ownerUrl)
    await owner.connect()
    await owner.query('VACUUM ANALYZE payments')
    await owner.end()
    const none = {
      status: undefined,
      userId: undefined,
      orderId: undefined,
      createdBefore: undefined,
    }
    const filters: Partial<PaymentFilter>[] = [
      {},
      { status: 'COMPLETED' },
      { status: 'FAILED' },
      { status: 'IN_DOUBT' },
      { status: 'PENDING' },
      { status: 'PARTIALLY_REFUNDED' },
      { status: 'REFUNDED' },
      { status: 'RETURNED' },
      { userId: SOME_USER },
      { userId: SOME_USER, status: 'FAILED' },
      { orderId: '00000000-0000-4000-9000-000000000333' },
      { createdBefore: new Date('2026-01-01T01:00:00Z') },
      { status: 'IN_DOUBT', createdBefore: new Date('2026-01-01T01:00:00Z') },
    ]
    const deep = { createdAt: new Date('2026-01-01T00:10:00Z'), paymentId: newId() }
    for (const filter of filters) {
      for (const after of [undefined, deep]) {
        const { blocks, text } = await planOf(pool, (db) =>
          listTenantPayments(db, { tenantId: 'acme', ...none, ...filter }, { limit: 21, after }),
        )
        const about = `${JSON.stringify(filter)} ${after ? 'deep' : 'first'}: ${blocks} blocks`
        t.diagnostic(about)
        assert.ok(blocks < BLOCKS_AT_MOST, about)
        assert.ok(!text.includes('Seq Scan'), about)
      }
    }
  })
})

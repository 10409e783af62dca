import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accountIdOf } from '@caudal/contracts/ids.ts'
import { readEvent } from '@caudal/contracts/parse-event.ts'
import { serializeEvent } from '@caudal/contracts/serialize-event.ts'
import * as fc from 'fast-check'
import {
  type RequestDecision,
  decideRequests,
  requestKeyOf,
  type KnownOrders,
  type KnownRequests,
  type OrderToPay,
  orderOf,
  ordersToLookUp,
  ownedOrderOf,
  type PaymentRequest,
} from './decide-requests.ts'
import type { Status } from './payment.ts'

const NOW = new Date('2026-03-01T12:00:00.123Z')
const ANA = uuid(0xa)
const BEN = uuid(0xb)

function uuid(number: number): string {
  return `00000000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`
}

let serial = 0x1000
function ask(order: number, over: Partial<PaymentRequest> = {}): PaymentRequest {
  serial += 1
  return {
    tenantId: 'caudal',
    userId: ANA,
    actor: { type: 'user', id: over.userId ?? ANA },
    idempotencyKey: uuid(serial),
    fingerprint: `order ${order}`,
    externalOrderId: uuid(order),
    paymentId: uuid(0x10_000 + serial),
    eventId: uuid(0x20_000 + serial),
    traceId: '0af7651916cd43dd8448eb211c80319c',
    ...over,
  }
}

const ORDER: OrderToPay = {
  amountMinor: 10050n,
  currency: 'USD',
  serviceName: 'Water',
  serviceAccountNumber: '0001',
  serviceBankCode: 'BNK1',
  paid: false,
}

/** The state of the database and the order service, as a test defines it. */
interface World {
  answers?: [PaymentRequest, body: string][]
  occupied?: [order: number, userId: string, Status][]
  orders?: [order: number, userId: string, OrderToPay | 'unknown'][]
}

function given(world: World) {
  const known: KnownRequests = { answers: new Map(), occupied: new Map() }
  for (const [request, body] of world.answers ?? []) {
    const { fingerprint } = request
    known.answers.set(requestKeyOf(request), {
      fingerprint,
      httpStatus: 202,
      body,
      paymentId: uuid(1),
    })
  }
  for (const [order, userId, status] of world.occupied ?? []) {
    const key = orderOf({ tenantId: 'caudal', externalOrderId: uuid(order) })
    known.occupied.set(key, { paymentId: uuid(2), userId, status })
  }
  const orders: KnownOrders = new Map()
  for (const [order, userId, answer] of world.orders ?? []) {
    const key = ownedOrderOf({ tenantId: 'caudal', userId, externalOrderId: uuid(order) })
    orders.set(key, answer)
  }
  return {
    when: (...requests: PaymentRequest[]) =>
      decideRequests(requests, known, orders, { now: NOW, region: 'test' }),
    toLookUp: (...requests: PaymentRequest[]) => ordersToLookUp(requests, known, orders),
  }
}

/** The decision in one word. */
function short(decision: RequestDecision): string {
  switch (decision.kind) {
    case 'accepted':
      return `accepted ${decision.payment.externalOrderId.at(-1)}`
    case 'refused':
    case 'rejected':
      return `${decision.kind} ${decision.code}`
    case 'replayed':
      return `replayed ${decision.answer.body}`
    case 'repeated':
      return `repeated ${decision.index}`
    default:
      return decision satisfies never
  }
}

const unpaid = (order: number, userId = ANA): [number, string, OrderToPay] => [order, userId, ORDER]

test("a request for the user's own unpaid order is accepted with the order's amount and destination (P2)", () => {
  const request = ask(1)
  const [decision] = given({ orders: [unpaid(1)] }).when(request)
  assert(decision?.kind === 'accepted')
  const { payment, event } = decision
  assert.equal(payment.paymentId, request.paymentId)
  assert.equal(payment.status, 'PENDING')
  assert.equal(payment.amountMinor, 10050n)
  assert.equal(payment.accountId, accountIdOf('caudal', ANA, 'USD'))
  assert.equal(payment.createdAt, NOW)
  assert.deepEqual(event.payment_data, {
    amount: '100.50',
    currency: 'USD',
    service_name: 'Water',
    service_account_number: '0001',
    service_bank_code: 'BNK1',
  })
  assert.equal(event.idempotency_key, request.idempotencyKey)
  assert.equal(event.account_id, payment.accountId)
  assert.deepEqual(readEvent(serializeEvent(event)), event)
})

test('a bound key repeats its answer without a lookup of the order (F2)', () => {
  const first = ask(1)
  const world = given({ answers: [[first, 'bytes']], occupied: [[1, ANA, 'COMPLETED']] })
  assert.deepEqual(world.when({ ...first, paymentId: uuid(9) }).map(short), ['replayed bytes'])
  assert.deepEqual(world.toLookUp(first), [])
})

test('a bound key with another request is a mismatch', () => {
  const first = ask(1)
  const other = ask(2, { idempotencyKey: first.idempotencyKey })
  const world = given({ answers: [[first, 'bytes']], orders: [unpaid(2)] })
  assert.deepEqual(world.when(other).map(short), ['rejected IDEMPOTENCY_MISMATCH'])
})

test('equal keys of two users or two tenants are independent', () => {
  const first = ask(1)
  const bens = ask(2, { idempotencyKey: first.idempotencyKey, userId: BEN })
  const elsewhere = { ...first, tenantId: 'other' }
  const world = given({ answers: [[first, 'bytes']], orders: [unpaid(2, BEN)] })
  assert.deepEqual(world.when(bens, elsewhere).map(short), ['accepted 2', 'rejected UNAVAILABLE'])
})

test('a key that a batch has several times is decided once, and the others repeat the answer', () => {
  const first = ask(1)
  const decisions = given({ orders: [unpaid(1)] }).when(first, ask(2), { ...first }, { ...first })
  assert.deepEqual(decisions.map(short), [
    'accepted 1',
    'rejected UNAVAILABLE',
    'repeated 0',
    'repeated 0',
  ])
})

test('the first of two bodies with one key in a batch binds the key', () => {
  const first = ask(1)
  const other = ask(2, { idempotencyKey: first.idempotencyKey })
  const world = given({ orders: [unpaid(1), unpaid(2)] })
  assert.deepEqual(world.when(first, other).map(short), [
    'accepted 1',
    'rejected IDEMPOTENCY_MISMATCH',
  ])
})

test('a rejection binds no key: the next request with the key is decided anew', () => {
  const first = ask(1)
  const other = ask(2, { idempotencyKey: first.idempotencyKey })
  const world = given({ orders: [[1, ANA, 'unknown'], unpaid(2)] })
  assert.deepEqual(world.when(first, other).map(short), ['rejected ORDER_NOT_FOUND', 'accepted 2'])
})

test('of two keys for one order in a batch the second is refused', () => {
  const world = given({ orders: [unpaid(1)] })
  assert.deepEqual(world.when(ask(1), ask(1)).map(short), [
    'accepted 1',
    'refused ORDER_PAYMENT_IN_PROGRESS',
  ])
})

for (const status of ['PENDING', 'RESERVED', 'IN_DOUBT', 'COMPLETED'] as const) {
  const code = status === 'COMPLETED' ? 'ORDER_ALREADY_PAID' : 'ORDER_PAYMENT_IN_PROGRESS'
  test(`an order whose payment is ${status} is refused with ${code}, without a lookup`, () => {
    const world = given({ occupied: [[1, ANA, status]] })
    assert.deepEqual(world.toLookUp(ask(1)), [])
    assert.deepEqual(world.when(ask(1)).map(short), [`refused ${code}`])
  })
}

test('an order that is paid at the order service is refused', () => {
  const world = given({ orders: [[1, ANA, { ...ORDER, paid: true }]] })
  assert.deepEqual(world.when(ask(1)).map(short), ['refused ORDER_ALREADY_PAID'])
})

test("another user's order is not found, even while its owner pays it", () => {
  const world = given({ occupied: [[1, ANA, 'PENDING']], orders: [[1, BEN, 'unknown']] })
  const bens = ask(1, { userId: BEN })
  assert.equal(world.toLookUp(bens).length, 0)
  assert.deepEqual(world.when(bens).map(short), ['rejected ORDER_NOT_FOUND'])
})

test('a failed lookup makes only its own order unavailable', () => {
  const first = ask(3)
  const world = given({ answers: [[first, 'bytes']], orders: [unpaid(2)] })
  assert.deepEqual(world.when(ask(1), ask(2), first).map(short), [
    'rejected UNAVAILABLE',
    'accepted 2',
    'replayed bytes',
  ])
})

test('each order is looked up once, and only if a request needs it', () => {
  const bound = ask(1)
  const world = given({ answers: [[bound, 'bytes']], occupied: [[2, ANA, 'PENDING']] })
  const wanted = world.toLookUp(bound, ask(2), ask(3), ask(3), ask(3, { userId: BEN }))
  const shown = wanted.map((request) => [request.externalOrderId, request.userId])
  assert.deepEqual(shown, [
    [uuid(3), ANA],
    [uuid(3), BEN],
  ])
})

test('any batch makes one payment per order and one answer per key, also if it is split', () => {
  const request = fc.record({
    order: fc.integer({ min: 1, max: 4 }),
    key: fc.integer({ min: 1, max: 6 }),
    user: fc.constantFrom(ANA, BEN),
  })
  fc.assert(
    fc.property(fc.array(request, { maxLength: 20 }), fc.nat(20), (asked, at) => {
      const requests = asked.map(({ order, key, user }) =>
        ask(order, { idempotencyKey: uuid(0x99_000 + key), userId: user }),
      )
      // Orders 1 and 2 are Ana's, 3 is Ben's, 4 does not exist.
      const orders: World['orders'] = [unpaid(1), unpaid(2), unpaid(3, BEN)]
      for (const [order, user] of [
        [1, BEN],
        [2, BEN],
        [3, ANA],
        [4, ANA],
        [4, BEN],
      ] as const) {
        orders.push([order, user, 'unknown'])
      }
      const whole = given({ orders }).when(...requests)
      const accepted = whole.filter((decision) => decision.kind === 'accepted')
      const paid = accepted.map(({ payment }) => payment.externalOrderId)
      assert.equal(new Set(paid).size, paid.length)
      assert.deepEqual(inTwoParts(requests, orders, at), whole.map(asAnswered(whole)))
    }),
  )
})

/** What a caller sees: a repeat is the first one's decision. */
function asAnswered(decisions: RequestDecision[]) {
  return (decision: RequestDecision): string => {
    const seen = decision.kind === 'repeated' ? decisions[decision.index]! : decision
    return short(seen)
  }
}

function inTwoParts(requests: PaymentRequest[], orders: World['orders'], at: number): string[] {
  const head = requests.slice(0, at)
  const first = given({ orders: orders ?? [] }).when(...head)
  const world: World = { orders: orders ?? [], answers: [], occupied: [] }
  for (const [index, decision] of first.entries()) {
    const request = head[index]!
    if (decision.kind === 'accepted' || decision.kind === 'refused') {
      world.answers?.push([request, short(decision)])
    }
    if (decision.kind !== 'accepted') continue
    const order = Number.parseInt(request.externalOrderId.slice(-4), 16)
    world.occupied?.push([order, request.userId, 'PENDING'])
  }
  const second = given(world).when(...requests.slice(at))
  const seen = second.map((decision) =>
    decision.kind === 'replayed' ? decision.answer.body : asAnswered(second)(decision),
  )
  return [...first.map(asAnswered(first)), ...seen]
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstPspOf, nextPspOf, pspsOf, type Route, tenantsOf } from './route.ts'

const ROUTES: Route[] = [
  { tenant: 'a', currency: 'EUR', psps: ['x'] },
  { service: 'Water', psps: ['y', 'x'] },
  { tenant: 'a', psps: ['z'] },
]
const of = (
  tenantId: string,
  service: string | null,
  currency: string,
  hasCurrency = (_psp: string): boolean => true,
) => pspsOf(ROUTES, { tenantId, service, currency }, { byDefault: 'main', hasCurrency })

test('the first route that matches tenant, service and currency counts, else the default', () => {
  assert.deepEqual(of('a', 'Water', 'EUR'), ['x'])
  assert.deepEqual(of('a', 'Water', 'USD'), ['y', 'x'])
  assert.deepEqual(of('a', 'Gas', 'USD'), ['z'])
  assert.deepEqual(of('b', 'Gas', 'EUR'), ['main'])
})

test('a payout, which is for no service, is routed by tenant and currency', () => {
  assert.deepEqual(of('a', null, 'EUR'), ['x'])
  assert.deepEqual(of('b', null, 'USD'), ['main'])
})

test('a PSP without the currency of a payment is never chosen from a route', () => {
  const lacks =
    (...psps: string[]) =>
    (psp: string) =>
      !psps.includes(psp)
  assert.deepEqual(of('a', 'Water', 'USD', lacks('y')), ['x'])
  assert.deepEqual(of('a', 'Water', 'EUR', lacks('x')), ['y'])
  assert.deepEqual(of('a', 'Water', 'USD', lacks('x', 'y')), ['z'])
  assert.deepEqual(of('b', 'Water', 'USD', lacks('x', 'y')), ['main'])
})

test('the first PSP that takes payments is chosen, and the preferred one if none does', () => {
  assert.equal(
    firstPspOf(['x', 'y'], () => true),
    'x',
  )
  assert.equal(
    firstPspOf(['x', 'y'], (psp) => psp === 'y'),
    'y',
  )
  assert.equal(
    firstPspOf(['x', 'y'], () => false),
    'x',
  )
})

test('E7: a payment goes on to the next PSP in turn, never to the one that it is at', () => {
  const all = (): boolean => true
  assert.equal(nextPspOf(['x', 'y', 'z'], 'x', all), 'y')
  assert.equal(nextPspOf(['x', 'y', 'z'], 'z', all), 'x')
  assert.equal(
    nextPspOf(['x', 'y', 'z'], 'y', (psp) => psp !== 'z'),
    'x',
  )
  assert.equal(nextPspOf(['x'], 'x', all), null)
  assert.equal(nextPspOf([], 'x', all), null)
  assert.equal(
    nextPspOf(['x', 'y'], 'x', () => false),
    null,
  )
})

test('the tenants of a PSP are those that its routes name, and all where a route names none', () => {
  assert.deepEqual(tenantsOf(ROUTES, 'z', false), ['a'])
  assert.deepEqual(tenantsOf(ROUTES, 'x', false), ['*'])
  assert.deepEqual(tenantsOf(ROUTES, 'main', true), ['*'])
  assert.deepEqual(tenantsOf(ROUTES, 'none', false), [])
})

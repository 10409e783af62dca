import { randomUUID } from 'node:crypto'
import type { LoadPlan } from './load-plan.ts'

/** Composes the next request of each kind as HTTP text. */
export interface RequestComposer {
  debit(): string
  hold(accountId: string): string
  commit(accountId: string, holdId: string): string
  batch(): string
  nextAccount(): string
}

const MONEY = '"amount":{"minor_units":1,"currency":"USD"}'
// The generator of Numerical Recipes; the choice of accounts needs no better randomness.
const MULTIPLIER = 1_664_525
const INCREMENT = 1_013_904_223
const TWO_TO_32 = 2 ** 32

/** Creates a composer. Each request has a random idempotency key and the next reference. */
export function composeRequests(plan: LoadPlan): RequestComposer {
  const { url, token, accountIds, hotShare, label, commandsPerBatch } = plan
  const common =
    `host: ${new URL(url).host}\r\nauthorization: Bearer ${token}\r\n` +
    'content-type: application/json\r\n'
  let sent = 0
  let random = 1
  const draw = (): number => {
    random = (Math.imul(random, MULTIPLIER) + INCREMENT) >>> 0
    return random / TWO_TO_32
  }
  const nextAccount = (): string => {
    if (hotShare > 0 && draw() < hotShare) return accountIds[0]!
    return accountIds[Math.floor(draw() * accountIds.length)]!
  }
  const post = (path: string, key: string, body: string): string =>
    `POST ${path} HTTP/1.1\r\n${common}x-idempotency-key: ${key}\r\n` +
    `content-length: ${body.length}\r\n\r\n${body}`
  const members = (accountId: string, name: string): string =>
    `"account_id":"${accountId}","reason":"bench","reference_id":"${name}"`
  const nextName = (): string => `${label}-${(sent += 1)}`
  return {
    nextAccount,
    debit() {
      const name = nextName()
      return post('/v1/wallet/debit', randomUUID(), `{${members(nextAccount(), name)},${MONEY}}`)
    },
    hold(accountId) {
      const name = nextName()
      return post('/v1/wallet/hold', randomUUID(), `{${members(accountId, name)},${MONEY}}`)
    },
    commit(accountId, holdId) {
      const name = nextName()
      const body = `{${members(accountId, name)},"hold_id":"${holdId}"}`
      return post('/v1/wallet/commit', randomUUID(), body)
    },
    batch() {
      const items: string[] = []
      for (let item = 0; item < commandsPerBatch; item += 1) {
        const name = nextName()
        const body = `${members(nextAccount(), name)},${MONEY}`
        items.push(`{"command":"debit","idempotency_key":"${randomUUID()}",${body}}`)
      }
      const body = `{"commands":[${items.join(',')}]}`
      return post('/v1/batch', label, body)
    },
  }
}

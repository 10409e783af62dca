import { setTimeout as delay } from 'node:timers/promises'
import { exactInteger } from '@caudal/contracts/exact-integer.ts'
import { accountIdOf, newId, walletIdOf } from '@caudal/contracts/ids.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { DEFAULT_TENANT } from '@caudal/contracts/tenant.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import { RefusedError } from '../errors.ts'
import type { System } from '../system/find-system.ts'
import { callOk } from '../system/http-client.ts'
import { bearer, clientToken } from '../system/tokens.ts'
import { SERVICES_TO_PAY } from './defaults.ts'

/** How many users to create, and what they have. */
export type SeedOptions = {
  users: number
  ordersPerUser: number
  /** Decimal amounts in `currency`. */
  balance: string
  amount: string
  currency: string
  /** The payee of all orders; by default three payees in turn. */
  accountNumber?: string | undefined
}

/** An unpaid order. */
export type SeededOrder = {
  external_order_id: string
  amount: string
  currency: string
  service_name: string
  service_account_number: string
}

/** A created user. */
export type SeededUser = {
  user_id: string
  token: string
  wallet_id: string
  account_id: string
  orders: SeededOrder[]
}

const USERS_PER_CALL = 500
const ORDERS_PER_CALL = 1_000
const CREDITS_PER_CALL = 500
const OPENING_TIMEOUT_MS = 60_000
const SCOPES = [
  SCOPE.usersWrite,
  SCOPE.usersImpersonate,
  SCOPE.ordersWrite,
  SCOPE.ledgerWrite,
].join(' ')

/**
 * Creates users with one device each, their orders and their opening balances. A balance is a
 * credit from deposit clearing through the ledger's API, whose idempotency key makes retries safe
 * (F1, F2).
 */
export async function seedUsers(system: System, options: SeedOptions): Promise<SeededUser[]> {
  const { token } = await clientToken(system, SCOPES)
  const userIds = Array.from({ length: options.users }, () => newId())
  for (const ids of slices(userIds, USERS_PER_CALL)) await createUsers(system, token, ids, options)
  const tokens = new Map<string, string>()
  for (const ids of slices(userIds, USERS_PER_CALL)) {
    for (const [id, made] of await userTokens(system, token, ids)) tokens.set(id, made)
  }
  const orders = await createOrders(system, token, userIds, options)
  const users = userIds.map((userId) => ({
    user_id: userId,
    token: tokens.get(userId)!,
    wallet_id: walletIdOf(DEFAULT_TENANT, userId),
    account_id: accountIdOf(DEFAULT_TENANT, userId, options.currency),
    orders: orders.get(userId) ?? [],
  }))
  for (const some of slices(users, CREDITS_PER_CALL)) {
    await creditAll(system, token, some, options)
  }
  return users
}

async function createUsers(
  system: System,
  token: string,
  ids: readonly string[],
  { currency }: SeedOptions,
): Promise<void> {
  await callOk(`${system.serviceUrl('identity')}/v1/users`, {
    headers: bearer(token),
    body: {
      users: ids.map((user_id, index) => ({
        user_id,
        locale: 'es',
        currencies: [currency],
        devices: [
          { platform: index % 2 === 0 ? 'android' : 'ios', token: newId().replaceAll('-', '') },
        ],
      })),
    },
  })
}

async function userTokens(
  system: System,
  token: string,
  ids: readonly string[],
): Promise<[string, string][]> {
  const { tokens } = await callOk<{ tokens: { user_id: string; token: string }[] }>(
    `${system.serviceUrl('identity')}/v1/tokens`,
    { headers: bearer(token), body: { users: ids.map((user_id) => ({ user_id })) } },
  )
  return tokens.map((it) => [it.user_id, it.token])
}

async function createOrders(
  system: System,
  token: string,
  userIds: readonly string[],
  options: SeedOptions,
): Promise<Map<string, SeededOrder[]>> {
  const wanted = userIds.flatMap((user_id) =>
    Array.from({ length: options.ordersPerUser }, (_, index) => {
      const service = SERVICES_TO_PAY[index % SERVICES_TO_PAY.length]!
      return {
        user_id,
        external_order_id: newId(),
        amount: options.amount,
        currency: options.currency,
        service_name: service.name,
        service_account_number: options.accountNumber ?? service.accountNumber,
        service_bank_code: service.bankCode,
      }
    }),
  )
  for (const orders of slices(wanted, ORDERS_PER_CALL)) {
    await callOk(`${system.serviceUrl('orders')}/v1/orders`, {
      headers: bearer(token),
      body: { orders },
    })
  }
  const publicOrders = Map.groupBy(wanted, (order) => order.user_id)
  return new Map(
    [...publicOrders].map(([userId, orders]) => [
      userId,
      orders.map(({ user_id: _, service_bank_code: __, ...order }) => order),
    ]),
  )
}

type Result = { status: number; body: { code?: string } }

/** Credits the accounts; retries until wallets has opened them on `user.created`. */
async function creditAll(
  system: System,
  token: string,
  users: readonly SeededUser[],
  { balance, currency }: SeedOptions,
): Promise<void> {
  const minorUnits = parseAmount(balance, currency)
  if (minorUnits === 0n) return
  const deadline = Date.now() + OPENING_TIMEOUT_MS
  let waiting = users
  for (let pauseMs = 20; waiting.length > 0; pauseMs = Math.min(500, pauseMs * 2)) {
    const { results } = await callOk<{ results: Result[] }>(
      `${system.serviceUrl('wallets')}/v1/batch`,
      {
        headers: bearer(token),
        body: {
          commands: waiting.map(({ account_id }) => ({
            command: 'credit',
            idempotency_key: `seed-${account_id}`,
            account_id,
            amount: { minor_units: exactInteger(minorUnits), currency },
            reason: 'opening_balance',
            reference_id: `seed-${account_id}`,
          })),
        },
      },
    )
    const refused = results.find(({ status }) => status !== 200 && status !== 404)
    if (refused) {
      throw new RefusedError(`a credit was refused with ${refused.body.code ?? refused.status}`)
    }
    waiting = waiting.filter((_, index) => results[index]!.status === 404)
    if (waiting.length === 0) return
    if (Date.now() > deadline) throw new Error(`${waiting.length} wallets were not opened in time`)
    await delay(pauseMs)
  }
}

function* slices<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}

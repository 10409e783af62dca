import type { Actor } from '@caudal/contracts/actor.ts'
import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { Device, Platform } from '@caudal/contracts/device.ts'
import type { UserCreated } from '@caudal/contracts/events/users.ts'
import { accountIdOf, walletIdOf } from '@caudal/contracts/ids.ts'

/** Users of one request. */
export const MAX_USERS = 1_000

export type NewUser = {
  tenantId: string
  userId: string
  /** BCP 47. */
  locale: string
  /** One account each; the first is the one the wallet's events go by. */
  currencies: readonly string[]
  devices: readonly Device[]
}

export type User = NewUser & { createdAt: Date }

export type DeviceView = { device_id: string; platform: Platform; token: string }

/** A user as the HTTP interface writes it. */
export type UserView = {
  user_id: string
  tenant_id: string
  locale: string
  wallet_id: string
  accounts: { account_id: string; currency: string }[]
  devices: DeviceView[]
}

export type UserInput = {
  user_id?: string
  locale?: string
  currencies?: string[]
  devices?: { platform: Platform; token: string }[]
}

export const DEFAULT_LOCALE = 'en'
/** The currency of an account where the request names none. */
const DEFAULT_CURRENCIES: readonly string[] = ['USD']

/** The user that the input describes; `makeId` gives ids to what has none. */
export function newUser(
  input: UserInput,
  about: { tenantId: string; currencies?: readonly string[] | undefined; makeId: () => string },
): NewUser {
  const { tenantId, makeId } = about
  return {
    tenantId,
    userId: (input.user_id ?? makeId()).toLowerCase(),
    locale: input.locale ?? DEFAULT_LOCALE,
    currencies: input.currencies ?? about.currencies ?? DEFAULT_CURRENCIES,
    devices: (input.devices ?? []).map((device) => ({ deviceId: makeId(), ...device })),
  }
}

/**
 * The event from which wallets opens the user's accounts. It carries pseudonymous ids and nothing
 * else of the person: locale and devices stay here, where they can be erased (E6, rule 16).
 */
export function userCreated(
  user: Pick<User, 'tenantId' | 'userId' | 'currencies' | 'createdAt'>,
  about: { eventId: string; region: string; actor: Actor },
): UserCreated {
  const accounts = accountsOf(user)
  return {
    event_id: about.eventId,
    event_type: 'user.created',
    timestamp: user.createdAt.toISOString(),
    schema_version: schemaVersionOf('user.created'),
    actor: about.actor,
    region: about.region,
    tenant_id: user.tenantId,
    account_id: accounts[0]!.account_id,
    user_id: user.userId,
    wallet_id: walletIdOf(user.tenantId, user.userId),
    accounts,
  }
}

/** The user as the HTTP interface shows it. */
export function viewUser(user: User): UserView {
  return {
    user_id: user.userId,
    tenant_id: user.tenantId,
    locale: user.locale,
    wallet_id: walletIdOf(user.tenantId, user.userId),
    accounts: accountsOf(user),
    devices: user.devices.map(viewDevice),
  }
}

/** The device as the HTTP interface shows it. */
export function viewDevice({ deviceId, platform, token }: Device): DeviceView {
  return { device_id: deviceId, platform, token }
}

function accountsOf(
  user: Pick<User, 'tenantId' | 'userId' | 'currencies'>,
): { account_id: string; currency: string }[] {
  return user.currencies.map((currency) => ({
    account_id: accountIdOf(user.tenantId, user.userId, currency),
    currency,
  }))
}

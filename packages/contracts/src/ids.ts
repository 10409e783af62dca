import { v5, v7 } from 'uuid'

const NAMESPACE = '6f2d1c6e-8f1b-5d0a-9f43-caa0da1ca0da'

/** The account of a user's wallet in one currency: UUIDv5 of tenant, user and currency. */
export function accountIdOf(tenantId: string, userId: string, currency: string): string {
  return v5(`account/${tenantId}/${userId}/${currency}`, NAMESPACE)
}

/** The one wallet of a user within a tenant: UUIDv5 of tenant and user. */
export function walletIdOf(tenantId: string, userId: string): string {
  return v5(`wallet/${tenantId}/${userId}`, NAMESPACE)
}

/** A fresh UUIDv7 (RFC 9562): for payments, events, transfers and whatever else is ours. */
export function newId(): string {
  return v7()
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

/** Whether the text is an RFC 9562 UUID of any version, in either case. */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}

import { callService, type ServiceAnswer, type TokenSource } from '@caudal/http/call-service.ts'
import type { Notification } from '../domain/notification.ts'
import { type FoundRecipient, readRecipients } from './read-recipients.ts'

export type RecipientLookup = { usersUrl: string; getToken: TokenSource; timeoutMs: number }

/** A recipient, or why it is unknown for now. */
export type LookupAnswer = FoundRecipient | { fault: Error }

type Subject = Pick<Notification, 'tenantId' | 'userId'>

const UNKNOWN_USER: FoundRecipient = {
  recipient: { locale: 'en', devices: [] },
  malformed: null,
}

/**
 * Looks up the devices of many users at identity, one call per tenant (P6). A failed lookup affects
 * its tenant only. A user that identity does not know has no device.
 */
export async function lookUpRecipients(
  lookup: RecipientLookup,
  subjects: readonly Subject[],
): Promise<LookupAnswer[]> {
  const tenants = new Map<string, Map<string, FoundRecipient> | Error>()
  const byTenant = Map.groupBy(subjects, ({ tenantId }) => tenantId)
  await Promise.all(
    [...byTenant].map(async ([tenantId, own]) => {
      const found = lookUpTenant(lookup, tenantId, new Set(own.map(({ userId }) => userId)))
      tenants.set(tenantId, await found.catch(toError))
    }),
  )
  return subjects.map(({ tenantId, userId }) => {
    const users = tenants.get(tenantId)!
    return users instanceof Error ? { fault: users } : (users.get(userId) ?? UNKNOWN_USER)
  })
}

async function lookUpTenant(
  lookup: RecipientLookup,
  tenantId: string,
  userIds: ReadonlySet<string>,
): Promise<Map<string, FoundRecipient>> {
  const { status, body } = await post(lookup, '/v1/users/lookup', {
    tenant_id: tenantId,
    user_ids: [...userIds],
  })
  if (status !== 200) throw new Error(`identity answered ${status} to a lookup of users`)
  return readRecipients(body)
}

/**
 * Removes dead devices at identity, so that nothing is sent to them again. A failure is not stored:
 * the next notification to such a device finds it dead again.
 *
 * @throws {Error} if identity did not remove them
 */
export async function removeDevices(
  lookup: RecipientLookup,
  tenantId: string,
  tokens: readonly string[],
): Promise<void> {
  const { status } = await post(lookup, '/v1/devices/remove', { tenant_id: tenantId, tokens })
  if (status >= 300) throw new Error(`identity answered ${status} to a removal of devices`)
}

function post(
  { usersUrl, getToken, timeoutMs }: RecipientLookup,
  path: string,
  body: object,
): Promise<ServiceAnswer> {
  return callService({ url: usersUrl, path, body, getToken, timeoutMs })
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

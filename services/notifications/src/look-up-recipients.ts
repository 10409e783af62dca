import { callService, type TokenSource } from '@caudal/http/call-service.ts'
import type { Notification, Recipient } from './domain/notification.ts'

export type RecipientLookup = { identityUrl: string; getToken: TokenSource; timeoutMs: number }

type UserView = {
  user_id: string
  locale: string
  devices: { device_id: string; platform: 'android' | 'ios'; token: string }[]
}

/**
 * Asks identity for the devices of many users, one call per tenant (P6). A user that it does not
 * know has none.
 *
 * @throws {ServiceCallError} when identity gives no usable answer
 */
export async function lookUpRecipients(
  { identityUrl, getToken, timeoutMs }: RecipientLookup,
  notifications: readonly Notification[],
): Promise<Recipient[]> {
  const recipients = new Map<string, Recipient>()
  for (const [tenantId, own] of Map.groupBy(notifications, (it) => it.tenantId)) {
    const { status, body } = await callService({
      url: identityUrl,
      path: '/v1/users/lookup',
      body: { tenant_id: tenantId, user_ids: [...new Set(own.map((it) => it.userId))] },
      getToken,
      timeoutMs,
    })
    if (status !== 200) throw new Error(`identity answered ${status} to a lookup of users`)
    for (const { user_id: userId, locale, devices } of (body as { users: UserView[] }).users) {
      recipients.set(`${tenantId}/${userId}`, {
        locale,
        devices: devices.map(({ device_id: deviceId, platform, token }) => ({
          deviceId,
          platform,
          token,
        })),
      })
    }
  }
  const nobody: Recipient = { locale: 'en', devices: [] }
  return notifications.map((it) => recipients.get(`${it.tenantId}/${it.userId}`) ?? nobody)
}

/** Tells identity that devices are gone, so that nobody sends to them again. */
export async function removeDevices(
  { identityUrl, getToken, timeoutMs }: RecipientLookup,
  tenantId: string,
  tokens: readonly string[],
): Promise<void> {
  await callService({
    url: identityUrl,
    path: '/v1/devices/remove',
    body: { tenant_id: tenantId, tokens },
    getToken,
    timeoutMs,
  })
}

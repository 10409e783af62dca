import { type Device, PLATFORMS } from '@caudal/contracts/device.ts'
import { isUuid } from '@caudal/contracts/ids.ts'
import type { Recipient } from '../domain/notification.ts'

/** A recipient, and what is wrong with devices of the answer that were left out. */
export type FoundRecipient = { recipient: Recipient; malformed: string | null }

const MALFORMED =
  'the user service sent a malformed device: it needs a device_id of its own (a UUID), ' +
  'a platform and a token'

type Members = Readonly<Record<string, unknown>>

/**
 * The recipients in the answer to a lookup, by user id. The service may be the operator's own, so
 * each device is checked: one whose id cannot be stored would be sent to again and again.
 *
 * @throws {Error} if it is not known whose devices the answer has
 */
export function readRecipients(body: unknown): Map<string, FoundRecipient> {
  const { users } = membersOf(body)
  if (!Array.isArray(users)) throw new Error('the user service sent no users to a lookup')
  return new Map(users.map(readUser))
}

function readUser(user: unknown): [string, FoundRecipient] {
  const { user_id: userId, locale, devices = [] } = membersOf(user)
  const id = uuidOf(userId)
  if (id === undefined) throw new Error('the user service sent a user_id that is not a UUID')
  const byId = new Map<string, Device>()
  let malformed = Array.isArray(devices) ? null : MALFORMED
  for (const view of Array.isArray(devices) ? devices : []) {
    const { device_id, platform, token } = membersOf(view)
    const deviceId = uuidOf(device_id)
    if (deviceId === undefined || byId.has(deviceId) || !isText(platform) || !isText(token)) {
      malformed = MALFORMED
      continue
    }
    const known = PLATFORMS.find((one) => one === platform)
    // A platform that has no channel here gets nothing.
    if (known !== undefined) byId.set(deviceId, { deviceId, platform: known, token })
  }
  const language = typeof locale === 'string' ? locale : 'en'
  return [id, { recipient: { locale: language, devices: [...byId.values()] }, malformed }]
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {}
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** In lower case, as PostgreSQL returns ids: answers of earlier tries are found by them. */
function uuidOf(value: unknown): string | undefined {
  return typeof value === 'string' && isUuid(value) ? value.toLowerCase() : undefined
}

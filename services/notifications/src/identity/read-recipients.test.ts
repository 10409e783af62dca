import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { readRecipients } from './read-recipients.ts'

const USER = newId()
const android = { device_id: newId(), platform: 'android', token: 'a-token' }

function found(devices: unknown, more: object = {}) {
  return readRecipients({ users: [{ user_id: USER, locale: 'es', devices, ...more }] }).get(USER)!
}

test('the devices of the user service are read, those of unknown platforms left out', () => {
  const device = { deviceId: android.device_id, platform: 'android', token: 'a-token' }
  const watch = { device_id: newId(), platform: 'watch', token: 'another' }
  assert.deepEqual(found([android, watch]), {
    recipient: { locale: 'es', devices: [device] },
    malformed: null,
  })
  assert.deepEqual(found(undefined, { locale: undefined }), {
    recipient: { locale: 'en', devices: [] },
    malformed: null,
  })
})

test('each malformed device is left out and reported, and the others stay', () => {
  const malformed: unknown[] = [
    { ...android, device_id: 'phone-1' },
    { ...android, device_id: undefined },
    { ...android, device_id: 7 },
    { ...android, device_id: newId(), token: '' },
    { ...android, device_id: newId(), platform: undefined },
    // The same device a second time.
    { ...android, device_id: android.device_id.toUpperCase() },
    null,
    'phone-1',
  ]
  for (const one of malformed) {
    const { recipient, malformed: what } = found([android, one])
    assert.deepEqual(
      recipient.devices.map(({ deviceId }) => deviceId),
      [android.device_id],
    )
    assert.match(what!, /device_id of its own \(a UUID\)/, JSON.stringify(one))
  }
  assert.match(found('phone-1').malformed!, /malformed device/)
})

test('ids in capital letters are read in small ones, as they are stored', () => {
  const upper = { ...android, device_id: android.device_id.toUpperCase() }
  const users = [{ user_id: USER.toUpperCase(), locale: 'en', devices: [upper] }]
  const [device] = readRecipients({ users }).get(USER)!.recipient.devices
  assert.equal(device!.deviceId, android.device_id)
})

test('an answer without users, or with a user of no id, is an error', () => {
  for (const body of [null, '', {}, { users: {} }]) {
    assert.throws(() => readRecipients(body), /sent no users/)
  }
  for (const user of [null, {}, { user_id: 'someone', devices: [] }]) {
    assert.throws(() => readRecipients({ users: [user] }), /user_id that is not a UUID/)
  }
})

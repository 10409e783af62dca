import assert from 'node:assert/strict'
import { eventually } from '@caudal/testing/eventually.ts'
import type { PlayedGuide } from './play-guide.ts'

type Page = { data: { payment_id: string }[] }

/**
 * Asserts that the bank was asked once and charged once, that the device got one notification, and
 * that `caudal verify` finds no violation with the books of both.
 */
export async function checkFirstPayment({ url, caudal }: PlayedGuide): Promise<void> {
  const list = async (address: string): Promise<Page['data']> => {
    const response = await fetch(address)
    return ((await response.json()) as Page).data
  }
  const charges = await list(`${url('psp')}/admin/charges`)
  assert.equal(charges.length, 1)
  const { payment_id: id } = charges[0]!
  assert.equal((await list(`${url('psp')}/admin/requests?payment_id=${id}`)).length, 1)
  await eventually(async () => {
    const messages = await list(`${url('push')}/admin/messages?payment_id=${id}`)
    return messages.length === 1
  })
  // The answer of the push service is recorded a moment after the delivery.
  await eventually(async () => {
    const { stdout, stderr } = await caudal(['payment', id])
    assert.match(stdout, /notification\.sent +fcm delivered/, stdout + stderr)
    return true
  })
  const verified = await caudal(['verify'], {
    CAUDAL_EXTERNAL_SERVICES: 'identity,orders',
    CAUDAL_PSP_URL: url('psp'),
    CAUDAL_PUSH_URL: url('push'),
  })
  assert.equal(verified.code, 0, verified.stdout + verified.stderr)
  for (const check of ['completed_charged_once', 'notified_once']) {
    assert.match(verified.stdout, new RegExp(`ok +${check}`))
  }
}

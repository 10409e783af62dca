import type { Check } from './check.ts'
import { walkPayments } from './walk-payments.ts'

/**
 * P6: the user's devices received one message (repeats have the same id) if the notification was
 * sent, and none before the payment was final.
 */
export const notifiedOnce: Check = {
  name: 'notified_once',
  needs: ['payments', 'notifications', 'push'],
  async run({ payments, notifications, messages }) {
    const violations: string[] = []
    let checked = 0
    for await (const page of walkPayments(payments)) {
      const { rows } = await notifications.query<{ payment_id: string; status: string }>(
        'SELECT payment_id, status FROM notifications WHERE payment_id = ANY($1::uuid[])',
        [page.map((payment) => payment.payment_id)],
      )
      const statuses = new Map(rows.map((row) => [row.payment_id, row.status]))
      for (const { payment_id: id, status } of page) {
        const shown = messages.get(id)?.size ?? 0
        const final = status === 'COMPLETED' || status === 'FAILED'
        if (shown > 1) violations.push(`payment ${id}: the devices received ${shown} messages`)
        if (!final && shown > 0) violations.push(`payment ${id} is ${status}, but was notified`)
        if (!final) continue
        checked += 1
        const notificationStatus = statuses.get(id)
        if (!notificationStatus) {
          violations.push(`payment ${id} is ${status}, but has no notification`)
        }
        if (notificationStatus === 'SENT' && shown === 0) {
          violations.push(`payment ${id}: its notification is SENT, but no device received it`)
        }
      }
    }
    return { checked, violations }
  },
}

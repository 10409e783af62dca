import type { PaymentCheck } from './check.ts'

/**
 * P6: the user's devices received one message (repeats have the same id) if the notification was
 * sent, and none before the payment was final.
 */
export const notifiedOnce: PaymentCheck = {
  name: 'notified_once',
  needs: ['payments', 'notifications', 'push'],
  look({ payments, notifications, messages }, add) {
    let checked = 0
    for (const { payment_id: id, status, updated_at: at } of payments) {
      const { messages: shown = 0, last_at: shownAt } = messages.get(id) ?? {}
      const final = status === 'COMPLETED' || status === 'FAILED'
      if (shown > 1) add(`payment ${id}: the devices received ${shown} messages`)
      if (!final && shown > 0) add(`payment ${id} is ${status}, but was notified`, at, shownAt)
      if (!final) continue
      checked += 1
      const notification = notifications.get(id)
      if (!notification) add(`payment ${id} is ${status}, but has no notification`, at)
      if (notification?.status === 'SENT' && shown === 0) {
        const message = `payment ${id}: its notification is SENT, but no device received it`
        add(message, notification.changed_at)
      }
    }
    return checked
  },
}

import { v5 } from 'uuid'
import type { Notification } from './notification.ts'

/** What a device shows, and the data that its app gets with it. */
export type Message = {
  /** Made from the payment: a repeat has the same id, so a device shows one (interfaces.md). */
  id: string
  title: string
  body: string
  data: Record<string, string>
}

const NAMESPACE = '0a0b8c9e-6d55-5d3e-8e5d-2a4c1f0e7b11'

const TEXTS = {
  es: {
    COMPLETED: { title: 'Pago realizado', body: 'Pagaste {amount} {currency} a {service}.' },
    FAILED: {
      title: 'Pago no realizado',
      body: 'Tu pago de {amount} {currency} a {service} no se hizo; tu dinero está disponible.',
    },
  },
  en: {
    COMPLETED: { title: 'Payment made', body: 'You paid {amount} {currency} to {service}.' },
    FAILED: {
      title: 'Payment not made',
      body: 'Your payment of {amount} {currency} to {service} failed; your money is available.',
    },
  },
} as const

/** The message in the user's language; English where we do not speak it. */
export function writeMessage(notification: Notification, locale: string): Message {
  const { paymentId, userId, outcome, amount, currency, serviceName } = notification
  const language = locale.toLowerCase().startsWith('es') ? 'es' : 'en'
  const { title, body } = TEXTS[language][outcome]
  const id = v5(`notification/${paymentId}`, NAMESPACE)
  const filled = { amount, currency, service: serviceName }
  return {
    id,
    title,
    body: body.replaceAll(/\{(\w+)\}/g, (_, name: keyof typeof filled) => filled[name]),
    data: { message_id: id, payment_id: paymentId, user_id: userId, status: outcome },
  }
}

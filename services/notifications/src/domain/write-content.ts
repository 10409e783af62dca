import { sendUntilMs } from './is-worth-sending.ts'
import type { Notification } from './notification.ts'

/** What a device shows, and the data for its app. */
export type Content = {
  /** The id of the notification, derived from the payment, so that a device shows it once (P6). */
  id: string
  title: string
  body: string
  data: Record<string, string>
  /** Expiry for devices that are off, in milliseconds of Unix time. */
  expiresAtMs: number
}

type Subject = Pick<
  Notification,
  'paymentId' | 'userId' | 'outcome' | 'amount' | 'currency' | 'serviceName' | 'finalizedAtMs'
>

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

/** The content in the user's language: Spanish, or else English (P6). */
export function writeContent(subject: Subject, { id, locale }: Written): Content {
  const { paymentId, userId, outcome, amount, currency, serviceName } = subject
  const { title, body } = TEXTS[/^es([-_]|$)/i.test(locale) ? 'es' : 'en'][outcome]
  const filled = { amount, currency, service: serviceName }
  return {
    id,
    title,
    body: body.replaceAll(/\{(\w+)\}/g, (_, name: keyof typeof filled) => filled[name]),
    data: { message_id: id, payment_id: paymentId, user_id: userId, status: outcome },
    expiresAtMs: sendUntilMs(subject.finalizedAtMs),
  }
}

type Written = { id: string; locale: string }

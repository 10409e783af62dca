import { sendUntilMs } from './is-worth-sending.ts'
import { isPaymentEnd, type Notification, type NotifiedOutcome } from './notification.ts'

/** What a device shows, and the data for its app. */
export type Content = {
  /** The id of the notification, derived from its key, so that a device shows it once (P6). */
  id: string
  title: string
  body: string
  data: Record<string, string>
  /** Expiry for devices that are off, in milliseconds of Unix time. */
  expiresAtMs: number
}

type Subject = Pick<
  Notification,
  | 'paymentId'
  | 'objectId'
  | 'userId'
  | 'outcome'
  | 'amount'
  | 'currency'
  | 'serviceName'
  | 'finalizedAtMs'
>

const TEXTS = {
  es: {
    COMPLETED: { title: 'Pago realizado', body: 'Pagaste {amount} {currency} a {service}.' },
    FAILED: {
      title: 'Pago no realizado',
      body: 'Tu pago de {amount} {currency} a {service} no se hizo; tu dinero está disponible.',
    },
    RECOVERED: {
      title: 'Pago realizado',
      body: 'Tu pago de {amount} {currency} a {service} se hizo finalmente.',
    },
    REFUNDED: {
      title: 'Reembolso recibido',
      body: 'Te reembolsamos {amount} {currency} de tu pago a {service}.',
    },
    REFUND_REVERSED: {
      title: 'Reembolso anulado',
      body: 'El reembolso de {amount} {currency} de tu pago a {service} fue anulado.',
    },
    RETURNED: {
      title: 'Pago devuelto',
      body: 'Tu pago a {service} fue devuelto: recibiste {amount} {currency}.',
    },
  },
  en: {
    COMPLETED: { title: 'Payment made', body: 'You paid {amount} {currency} to {service}.' },
    FAILED: {
      title: 'Payment not made',
      body: 'Your payment of {amount} {currency} to {service} failed; your money is available.',
    },
    RECOVERED: {
      title: 'Payment made',
      body: 'Your payment of {amount} {currency} to {service} was made after all.',
    },
    REFUNDED: {
      title: 'Refund received',
      body: 'You were refunded {amount} {currency} of your payment to {service}.',
    },
    REFUND_REVERSED: {
      title: 'Refund reversed',
      body: 'The refund of {amount} {currency} of your payment to {service} was reversed.',
    },
    RETURNED: {
      title: 'Payment returned',
      body: 'Your payment to {service} was returned: you received {amount} {currency}.',
    },
  },
} as const satisfies Record<string, Record<NotifiedOutcome, { title: string; body: string }>>

/** Beside the data of a payment's end: which event it is, and the refund or return. */
const LATER = {
  RECOVERED: { event: 'payment.recovered', status: 'COMPLETED', object: null },
  REFUNDED: { event: 'refund.finalized', status: 'SUCCEEDED', object: 'refund_id' },
  REFUND_REVERSED: { event: 'refund.finalized', status: 'REVERSED', object: 'refund_id' },
  RETURNED: { event: 'payment.returned', status: 'RETURNED', object: 'return_id' },
} as const

/** The content in the user's language: Spanish, or else English (P6). */
export function writeContent(subject: Subject, { id, locale }: Written): Content {
  const { outcome, amount, currency, serviceName } = subject
  const { title, body } = TEXTS[/^es([-_]|$)/i.test(locale) ? 'es' : 'en'][outcome]
  const filled = { amount, currency, service: serviceName }
  return {
    id,
    title,
    body: body.replaceAll(/\{(\w+)\}/g, (_, name: keyof typeof filled) => filled[name]),
    data: dataOf(subject, id),
    expiresAtMs: sendUntilMs(subject.finalizedAtMs),
  }
}

function dataOf(
  { paymentId, objectId, userId, outcome }: Subject,
  id: string,
): Record<string, string> {
  const common = { message_id: id, payment_id: paymentId, user_id: userId }
  if (isPaymentEnd(outcome)) return { ...common, status: outcome }
  const { event, status, object } = LATER[outcome]
  const named = object !== null && objectId !== null ? { [object]: objectId } : {}
  return { ...common, status, event, ...named }
}

type Written = { id: string; locale: string }

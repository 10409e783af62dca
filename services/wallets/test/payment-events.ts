import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type {
  PaymentCanceled,
  PaymentCompleted,
  PaymentFailed,
  PaymentInDoubt,
  PaymentRequested,
} from '@caudal/contracts/events/payments.ts'
import type { UserCreated } from '@caudal/contracts/events/users.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { TestWallet } from './test-wallet.ts'

/** A payment that a test makes up. */
export interface TestPayment {
  paymentId: string
  wallet: TestWallet
  amountMinor: bigint
  /** Known once the hold was made. */
  holdId: string
}

export function newPayment(wallet: TestWallet, amountMinor: bigint): TestPayment {
  return { paymentId: newId(), wallet, amountMinor, holdId: newId() }
}

function envelope({ tenantId, accountId }: TestWallet) {
  return {
    event_id: newId(),
    timestamp: '2025-08-24T19:35:00.000Z',
    schema_version: schemaVersionOf('payment.requested'),
    actor: { type: 'user', id: 'tests' } as const,
    region: 'test',
    tenant_id: tenantId,
    account_id: accountId,
  }
}

function ofPayment({ paymentId, wallet }: TestPayment) {
  return { ...envelope(wallet), payment_id: paymentId, user_id: wallet.userId }
}

export function requested(payment: TestPayment): PaymentRequested {
  const { wallet, amountMinor } = payment
  return {
    ...ofPayment(payment),
    event_type: 'payment.requested',
    external_order_id: newId(),
    idempotency_key: newId(),
    payment_data: {
      amount: formatAmount(amountMinor, wallet.currency),
      currency: wallet.currency,
      service_name: 'Water',
      service_account_number: '1234567890',
      service_bank_code: 'BNK112',
    },
  }
}

function result(payment: TestPayment) {
  const { wallet, amountMinor, holdId } = payment
  return {
    ...ofPayment(payment),
    amount: formatAmount(amountMinor, wallet.currency),
    currency: wallet.currency,
    wallet_transaction_id: holdId,
  }
}

/** The PSP approved; without `psp` as releases say it that knew only one. */
export function completed(payment: TestPayment, psp?: string): PaymentCompleted {
  return {
    ...result(payment),
    event_type: 'payment.completed',
    gateway_response: { status: 'approved' },
    ...(psp !== undefined && { psp }),
  }
}

export function failed(payment: TestPayment): PaymentFailed {
  return {
    ...result(payment),
    event_type: 'payment.failed.gateway_error',
    reason: 'gateway_declined',
    gateway_response: { status: 'failed', error_code: 'invalid_account_number' },
  }
}

/** Canceled before any request left for the PSP. */
export function canceled(payment: TestPayment): PaymentCanceled {
  const event_type = 'payment.canceled'
  return { ...result(payment), event_type, schema_version: schemaVersionOf(event_type) }
}

export function inDoubt(payment: TestPayment): PaymentInDoubt {
  return { ...result(payment), event_type: 'payment.in_doubt' }
}

/** A user with accounts in these currencies; the first wallet names the user. */
export function userCreated(wallets: readonly [TestWallet, ...TestWallet[]]): UserCreated {
  const [first] = wallets
  return {
    ...envelope(first),
    event_type: 'user.created',
    user_id: first.userId,
    wallet_id: first.walletId,
    accounts: wallets.map((it) => ({ account_id: it.accountId, currency: it.currency })),
  }
}

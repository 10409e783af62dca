import type { DeclineCode } from '@caudal/contracts/decline-codes.ts'
import type { Capabilities } from '../domain/capabilities.ts'
import type { OperationKind } from '../domain/operation-facts.ts'
import type { PspOrder, ReversalOrder } from '../domain/psp-order.ts'
import type { PspAdapter } from './adapter.ts'
import { classifyAnswer, classifyStatus } from './classify-answer.ts'
import { parseSyncbankCallback, verifySyncbankCallback } from './syncbank-callbacks.ts'

const MINUTE_MS = 60_000

/** A verdict is kept with its key for ever, and a payment settles after a quarter of an hour. */
const CAPABILITIES: Capabilities = {
  keyLifetimeMs: null,
  queryBy: 'our_id',
  notFoundProves: true,
  // A query decides, so that a failure has the bank's own word.
  refusals: [],
  voidUntilMs: 15 * MINUTE_MS,
  refundWindowMs: null,
  currencies: null,
  callbackTrust: 'verdict',
}

const PATHS: Readonly<Record<OperationKind, string>> = {
  pay: '/v1/payments',
  refund: '/v1/refunds',
  void: '/v1/voids',
  payout: '/v1/payouts',
}

/** The PSP's codes in our words. */
const DECLINE_CODES: Readonly<Record<string, DeclineCode>> = {
  account_closed: 'account_closed',
  invalid_account_number: 'account_invalid',
  declined_by_bank: 'declined_by_bank',
  insufficient_funds: 'insufficient_funds',
  suspected_fraud: 'suspected_fraud',
  refund_declined: 'declined_by_bank',
  payment_not_found: 'payment_unknown',
  nothing_left_to_refund: 'nothing_left_to_refund',
  refund_window_closed: 'refund_window_closed',
  already_settled: 'already_settled',
  already_voided: 'already_reversed',
}

/**
 * The adapter of the PSP whose API is described in docs/concepts/psp-and-doubt.md: JSON over HTTP,
 * a verdict in the answer itself, an Idempotency-Key, and a status query by our id (P5).
 */
export function createSyncbankAdapter({ apiKey }: { apiKey?: string | undefined }): PspAdapter {
  const common: Record<string, string> = {
    accept: 'application/json',
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
  }
  return {
    capabilities: CAPABILITIES,
    freeze: (order) => Buffer.from(JSON.stringify(bodyOf(order))),
    encode: {
      execute: ({ kind, operationId }, body) => ({
        method: 'POST',
        path: PATHS[kind],
        headers: { ...common, 'content-type': 'application/json', 'idempotency-key': operationId },
        body,
      }),
      query: ({ kind, operationId }) => ({
        method: 'GET',
        path: `${PATHS[kind]}/${operationId}`,
        headers: common,
        body: null,
      }),
    },
    decode: { execute: classifyAnswer, query: classifyStatus },
    verifyCallback: verifySyncbankCallback,
    parseCallback: parseSyncbankCallback,
    declineCode: (_kind, errorCode = '') =>
      Object.hasOwn(DECLINE_CODES, errorCode) ? DECLINE_CODES[errorCode]! : 'other',
  }
}

/** The members of a request in their fixed order (P5). */
function bodyOf(order: PspOrder): Record<string, unknown> {
  const { kind, operationId, requestedAt: timestamp, amount, currency } = order
  switch (kind) {
    case 'pay': {
      const { sourceAccountNumber, destination } = order
      return {
        payment_id: order.paymentId,
        timestamp,
        amount,
        currency,
        source: { account_number: sourceAccountNumber },
        destination: {
          name: destination.name,
          account_number: destination.accountNumber,
          bank_code: destination.bankCode,
        },
      }
    }
    case 'refund':
      return { refund_id: operationId, ...paymentIds(order), timestamp, amount, currency }
    case 'void':
      return { void_id: operationId, ...paymentIds(order), timestamp }
    case 'payout': {
      const { sourceAccountNumber: source_account_number, destination } = order
      return {
        payout_id: operationId,
        timestamp,
        amount,
        currency,
        source_account_number,
        name: destination.name,
        account_number: destination.accountNumber,
        bank_code: destination.bankCode,
      }
    }
    default:
      return kind satisfies never
  }
}

function paymentIds({ paymentId, gatewayTransactionId }: ReversalOrder) {
  return { payment_id: paymentId, gateway_transaction_id: gatewayTransactionId }
}

import type { DeclineCode } from '@caudal/contracts/decline-codes.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import type { Capabilities } from '../domain/capabilities.ts'
import type { OperationKind } from '../domain/operation-facts.ts'
import type { PspOrder } from '../domain/psp-order.ts'
import type { PspAdapter } from './adapter.ts'
import { classifyTransfer, classifyTransferStatus } from './asyncbank-answers.ts'
import { parseAsyncbankCallback, verifyAsyncbankCallback } from './asyncbank-callbacks.ts'
import { writeForm } from './form.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** An answer only confirms the receipt; verdicts come by callbacks or a query by the bank's id. */
const CAPABILITIES: Capabilities = {
  keyLifetimeMs: DAY_MS,
  queryBy: 'its_id',
  notFoundProves: false,
  refusals: ['unavailable', 'rate_limited', 'misconfigured'],
  voidUntilMs: HOUR_MS / 4,
  refundWindowMs: 180 * DAY_MS,
  currencies: null,
  // A state can be asked for by the id, so what a callback claims is not believed by itself.
  callbackTrust: 'hint',
}

const PATH = '/api/transfers'
const FORM = 'application/x-www-form-urlencoded'

/** The bank's ISO 20022 codes in our words. */
const DECLINE_CODES: Readonly<Record<string, DeclineCode>> = {
  AC01: 'account_invalid',
  AC04: 'account_closed',
  AM04: 'insufficient_funds',
  AM05: 'already_reversed',
  AM09: 'amount_not_allowed',
  AM11: 'currency_not_supported',
  FR01: 'suspected_fraud',
  MS03: 'declined_by_bank',
  NOOR: 'payment_unknown',
}

/** Codes whose meaning depends on what was asked. */
const CODES_BY_KIND: Readonly<Record<OperationKind, Readonly<Record<string, DeclineCode>>>> = {
  pay: { AM02: 'amount_not_allowed' },
  refund: { AM02: 'nothing_left_to_refund', TM01: 'refund_window_closed' },
  // AM09: something came back meanwhile, so that it cannot be undone as a whole.
  payout: { AM02: 'amount_not_allowed' },
  void: { AM02: 'nothing_left_to_refund', AM09: 'already_settled', TM01: 'already_settled' },
}

/**
 * The adapter of the asynchronous bank: forms with minor units, 202 and a verdict later, keys that
 * are forgotten after a day, status queries by the bank's id only.
 */
export function createAsyncbankAdapter({ apiKey }: { apiKey?: string | undefined }): PspAdapter {
  const common: Record<string, string> = {
    accept: FORM,
    ...(apiKey !== undefined && { 'x-api-key': apiKey }),
  }
  return {
    capabilities: CAPABILITIES,
    freeze: (order) => writeForm(fieldsOf(order)),
    encode: {
      execute: ({ operationId }, body) => ({
        method: 'POST',
        path: PATH,
        headers: { ...common, 'content-type': FORM, 'x-request-key': hexOf(operationId) },
        body,
      }),
      query(_expected, itsId) {
        if (itsId === null) throw new Error('the bank is asked by its own id only')
        const path = `${PATH}/${encodeURIComponent(itsId)}`
        return { method: 'GET', path, headers: common, body: null }
      },
    },
    decode: { execute: classifyTransfer, query: classifyTransferStatus },
    verifyCallback: verifyAsyncbankCallback,
    parseCallback: parseAsyncbankCallback,
    declineCode(kind, errorCode = '') {
      const codes = Object.hasOwn(CODES_BY_KIND[kind], errorCode)
        ? CODES_BY_KIND[kind]
        : DECLINE_CODES
      return Object.hasOwn(codes, errorCode) ? codes[errorCode]! : 'other'
    },
  }
}

/** An id of ours as the bank takes it: 32 hexadecimal digits. */
function hexOf(uuid: string): string {
  return uuid.replaceAll('-', '').toLowerCase()
}

/** The fields of a transfer in their fixed order. */
function fieldsOf(order: PspOrder): [string, string][] {
  const common: [string, string][] = [
    ['ref', hexOf(order.operationId)],
    ['kind', order.kind],
    ['amount', String(parseAmount(order.amount, order.currency))],
    ['ccy', order.currency],
  ]
  if (order.kind !== 'pay' && order.kind !== 'payout') {
    return [...common, ['orig', order.gatewayTransactionId]]
  }
  const { sourceAccountNumber, destination } = order
  return [
    ...common,
    ['from', sourceAccountNumber],
    ['to', destination.accountNumber],
    ['to_name', destination.name],
    ['to_bank', destination.bankCode],
  ]
}

import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { PostingRequested } from '@caudal/contracts/events/postings.ts'
import type {
  PaymentCapturedLate,
  PspContradicted,
  RefundFound,
  ReturnReceived,
} from '@caudal/contracts/events/psp-facts.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { returnCodeOf } from '@caudal/contracts/return-reasons.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Payment } from '../src/domain/payment.ts'
import { answerOf } from './refund-stories.ts'
import { runBatch } from './spine.ts'

function envelopeOf(tenantId: string, accountId: string) {
  return {
    event_id: newId(),
    timestamp: '2026-03-01T12:00:01.000Z',
    schema_version: schemaVersionOf('return.received'),
    actor: { type: 'system', id: 'processor' } as const,
    region: 'test',
    tenant_id: tenantId,
    account_id: accountId,
  }
}

/** Evidence of a return: of the payment, or of none. */
export function returnOf(
  payment: Payment | undefined,
  amountMinor: bigint,
  {
    returnId = newId(),
    reason = 'AC04',
    tenantId = 'caudal',
    currency = 'USD',
    charges = undefined as string | undefined,
  } = {},
): ReturnReceived {
  return {
    ...(charges !== undefined && { charges }),
    ...envelopeOf(payment?.tenantId ?? tenantId, payment?.accountId ?? returnId),
    event_type: 'return.received',
    return_id: returnId,
    psp: 'main',
    amount: formatAmount(amountMinor, currency),
    currency,
    reference: `psp-${returnId}`,
    reason,
    reason_code: returnCodeOf(reason),
    ...(payment && { payment: { payment_id: payment.paymentId, user_id: payment.userId } }),
  }
}

/** The PSP moved the money of a payment that failed. */
export function capturedLate(
  payment: Payment,
  amountMinor = payment.amountMinor,
): PaymentCapturedLate {
  return {
    ...envelopeOf(payment.tenantId, payment.accountId),
    event_type: 'payment.captured_late',
    payment_id: payment.paymentId,
    user_id: payment.userId,
    psp: 'main',
    amount: formatAmount(amountMinor, payment.currency),
    currency: payment.currency,
    gateway_response: { status: 'approved', gateway_transaction_id: `late-${payment.paymentId}` },
  }
}

/** The PSP gave money back that no running refund accounts for. */
export function foundRefund(
  payment: Payment,
  amountMinor: bigint,
  refundId: string = newId(),
): RefundFound {
  return {
    ...envelopeOf(payment.tenantId, payment.accountId),
    event_type: 'refund.found',
    payment_id: payment.paymentId,
    user_id: payment.userId,
    refund_id: refundId,
    psp: 'main',
    amount: formatAmount(amountMinor, payment.currency),
    currency: payment.currency,
    gateway_response: { status: 'approved', gateway_transaction_id: `psp-${refundId}` },
  }
}

/** The PSP reported what contradicts the known state of the payment. */
export function contradicted(
  payment: Payment,
  contradiction: PspContradicted['contradiction'],
): PspContradicted {
  return {
    ...envelopeOf(payment.tenantId, payment.accountId),
    event_type: 'psp.contradicted',
    psp: 'main',
    contradiction,
    subject: { type: 'payment', id: payment.paymentId },
    detail: 'The PSP reported a failure after the success.',
    amount: '100.00',
    currency: 'USD',
    payment: { payment_id: payment.paymentId, user_id: payment.userId },
  }
}

type Balances = Record<'wallet' | 'suspense' | 'receivable', bigint>

/**
 * The ledger of a test: it books each posting of these accounts once, whatever was asked how often,
 * and answers. `creditable` and `solvent` are about the wallet.
 */
export function openLedger(db: Db, accounts: () => readonly string[]) {
  const booked = new Map<string, ReturnType<typeof answerOf>>()
  const balances: Balances = { wallet: 0n, suspense: 0n, receivable: 0n }
  const book = (asked: PostingRequested, wallet: { creditable: boolean; solvent: boolean }) => {
    const isOut = asked.kind === 'recapture'
    const canTakePart = isOut ? wallet.solvent : wallet.creditable
    const end = asked.end === 'wallet' && !canTakePart ? asked.otherwise : asked.end
    const answer = answerOf(asked, end)
    const minor = minorOf(asked.amount)
    // What the bank kept is covered only for a wallet.
    const covered = end === 'wallet' ? minor : minor - minorOf(asked.charges ?? '0')
    balances[end] += isOut ? -minor : covered
    booked.set(asked.posting_id, answer)
    return answer
  }
  return {
    balances,
    /** Every answer that it gave. */
    answers: () => [...booked.values()],
    /** Books what was asked for and is not booked. */
    async book({ creditable = true, solvent = true } = {}) {
      const { rows } = await db.query<{ event: PostingRequested }>(
        `SELECT payload::jsonb AS event FROM outbox
         WHERE topic = 'postings.requested' AND record_key = ANY($1::text[]) ORDER BY id`,
        [accounts()],
      )
      const asked = new Map(rows.map(({ event }) => [event.posting_id, event]))
      return [...asked.values()]
        .filter(({ posting_id: id }) => !booked.has(id))
        .map((one) => book(one, { creditable, solvent }))
    },
    /** Books and delivers the answers until nothing is asked for. */
    async settle(wallet: { creditable?: boolean; solvent?: boolean } = {}): Promise<void> {
      for (;;) {
        const answers = await this.book(wallet)
        if (answers.length === 0) return
        await runBatch(db, answers)
      }
    },
  }
}

function minorOf(amount: string): bigint {
  return BigInt(Math.round(Number(amount) * 100))
}

/** The open cases about a payment or its returns and refunds, by reason. */
export async function casesOf(db: Db, accountId: string): Promise<string[]> {
  const { rows } = await db.query<{ reason: string }>(
    `SELECT reason FROM cases WHERE account_id = $1 ORDER BY reason`,
    [accountId],
  )
  return rows.map(({ reason }) => reason)
}

/** How many events of the type have this partition key. */
export async function countEvents(db: Db, type: string, accountId: string): Promise<number> {
  const { rows } = await db.query<{ count: bigint }>(
    `SELECT count(*) FROM outbox
     WHERE payload::jsonb ->> 'event_type' = $1 AND record_key = $2`,
    [type, accountId],
  )
  return Number(rows[0]!.count)
}

/** The return as it is stored. */
export async function findReturn(db: Db, returnId: string) {
  const { rows } = await db.query<{
    payment_id: string | null
    status: string
    suspended_for: string | null
    version: number
    amount_minor: bigint
  }>(
    `SELECT payment_id, status, suspended_for, version, amount_minor
     FROM returns WHERE return_id = $1`,
    [returnId],
  )
  return rows[0]
}

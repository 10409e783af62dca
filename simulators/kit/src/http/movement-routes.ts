import { Currency } from '@caudal/contracts/currency-schema.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { Problem } from '@caudal/http/problem.ts'
import { AmountError } from '@caudal/money/amount-error.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import { type Static, Type } from 'typebox'
import { listMovements, type ReturnedBooks } from '../store/list-moved-money.ts'
import { addSequenceList } from './add-sequence-list.ts'
import { type Charge, ChargeItem, showCharge } from './charge-item.ts'
import { listQuery } from './list-query.ts'

/** Money that came back: by request, by the bank, by taking an approval back, or by a dispute. */
export type MovementKind = 'refund' | 'void' | 'return' | 'reversal' | 'dispute'

/** Money that came back, as the bank's books have it. */
export interface Movement {
  /** Ascends in the order in which the bank decided. */
  sequence: bigint
  movementId: string
  paymentId: string
  /** The refund that a reversal took back; null if it took back the payment. */
  refundId: string | null
  amountMinor: bigint
  currency: string
  /** Why the bank returned the money. */
  reason: string | null
  at: Date
}

/** Which movements to list. */
export interface MovementFilter {
  paymentId: string | null
  after: bigint | null
  limit: number
}

/** Money that an employee of the bank sends back, without a request of its client. */
export interface ConsoleOrder {
  paymentId: string
  /** null: all that remains. */
  amountMinor: bigint | null
  /** What the bank keeps of a return beside the amount. */
  chargesMinor: bigint
  /** null for a refund. */
  reason: string | null
  /** The bank returns money although nothing is left of the charge, as banks do by mistake. */
  beyondCharge: boolean
}

/** Why the bank refuses an order from its console. */
export type ConsoleRefusal = 'payment_not_found' | 'exceeds_charge'

/** What an employee of the bank can do without a request of its client. */
export interface BankConsole {
  /** The currency of a charge; null if there is none of this payment. */
  currencyOf(paymentId: string): Promise<string | null>
  sendBack(kind: 'refund' | 'return', order: ConsoleOrder): Promise<SentBack | ConsoleRefusal>
  /** Moves the money of a payment that the bank had declined; null if it declined none such. */
  captureDeclined(paymentId: string): Promise<Charge | null>
}

/** What the bank booked for an order from its console. */
export type SentBack = Pick<Movement, 'movementId' | 'amountMinor' | 'currency' | 'at'>

export interface MovementRoutes {
  cursors: Cursors
  books: ReturnedBooks
  console: BankConsole
}

const MOVED = { payment_id: Uuid, amount: Type.String(), currency: Currency, at: Type.String() }
const Refund = Type.Object({ refund_id: Uuid, ...MOVED })
const Return = Type.Object({ return_id: Uuid, ...MOVED, reason: Type.String() })
const RefundId = Type.Union([Uuid, Type.Null()])
const ITEMS = {
  refund: Refund,
  void: Type.Object({ void_id: Uuid, ...MOVED }),
  return: Return,
  reversal: Type.Object({ reversal_id: Uuid, ...MOVED, refund_id: RefundId }),
} as const
const Amount = Type.Optional(Type.String({ maxLength: 24 }))
const RefundOrder = Type.Object({ payment_id: Uuid, amount: Amount })
const Reason = Type.String({
  pattern: '^[A-Z][A-Z0-9]{3}$',
  description: 'an ISO 20022 reason code, such as AC04',
})
const ReturnOrder = Type.Object({
  payment_id: Uuid,
  amount: Amount,
  charges: Amount,
  reason: Reason,
  beyond_charge: Type.Optional(Type.Boolean()),
})
const CaptureOrder = Type.Object({ payment_id: Uuid })
const NOT_FOUND = ['PAYMENT_NOT_FOUND'] as const
const problems = [...NOT_FOUND, 'CORRECTION_EXCEEDS_ORIGINAL'] as const

/** Adds the lists of money that came back, and the console, which moves it without its client. */
export function addMovementRoutes(app: HttpServer, routes: MovementRoutes): void {
  for (const kind of ['refund', 'void', 'return', 'reversal'] as const) addList(app, routes, kind)
  app.post(
    '/admin/refunds',
    { schema: { body: RefundOrder, response: { 201: Refund }, problems } },
    async ({ body }, reply) => reply.code(201).send(await order(routes, 'refund', body)),
  )
  app.post(
    '/admin/returns',
    { schema: { body: ReturnOrder, response: { 201: Return }, problems } },
    async ({ body }, reply) => reply.code(201).send(await order(routes, 'return', body)),
  )
  app.post(
    '/admin/captures',
    { schema: { body: CaptureOrder, response: { 201: ChargeItem }, problems: NOT_FOUND } },
    async ({ body }, reply) => {
      const charge = await routes.console.captureDeclined(body.payment_id.toLowerCase())
      if (charge === null) throw new Problem('PAYMENT_NOT_FOUND')
      return reply.code(201).send(showCharge(charge))
    },
  )
}

/** Disputes have a list of their own. */
function addList(
  app: HttpServer,
  { cursors, books }: MovementRoutes,
  kind: Exclude<MovementKind, 'dispute'>,
): void {
  addSequenceList<Movement>(app, `/admin/${kind}s`, {
    cursors,
    query: listQuery,
    item: ITEMS[kind],
    list: ({ payment_id: paymentId = null }, page) =>
      listMovements(books, kind, { paymentId, ...page }),
    positionOf: ({ sequence }) => sequence,
    show: (movement) => showMovement(kind, movement),
  })
}

async function order(
  { console: { currencyOf, sendBack } }: MovementRoutes,
  kind: 'refund' | 'return',
  body: Static<typeof RefundOrder> & Partial<Static<typeof ReturnOrder>>,
) {
  const paymentId = body.payment_id.toLowerCase()
  const currency = await currencyOf(paymentId)
  if (currency === null) throw new Problem('PAYMENT_NOT_FOUND')
  const amountMinor = body.amount === undefined ? null : readAmount(body.amount, currency)
  const { reason = null, beyond_charge: beyondCharge = false } = body
  const chargesMinor = body.charges === undefined ? 0n : readAmount(body.charges, currency)
  const order = { paymentId, amountMinor, chargesMinor, reason, beyondCharge }
  const moved = await sendBack(kind, order)
  if (moved === 'payment_not_found') throw new Problem('PAYMENT_NOT_FOUND')
  if (moved === 'exceeds_charge') {
    throw new Problem(
      'CORRECTION_EXCEEDS_ORIGINAL',
      'the amount exceeds what is left of the charge',
    )
  }
  return showMovement(kind, { ...moved, paymentId, reason, refundId: null })
}

/**
 * Reads an amount above zero.
 *
 * @throws {Problem} MALFORMED_REQUEST
 */
export function readAmount(amount: string, currency: string): bigint {
  try {
    const amountMinor = parseAmount(amount, currency)
    if (amountMinor > 0n) return amountMinor
  } catch (error) {
    if (!(error instanceof AmountError)) throw error
  }
  throw new Problem('MALFORMED_REQUEST', 'body: amount is not a valid amount of its currency', {
    members: { param: 'amount' },
  })
}

function showMovement(kind: MovementKind, movement: Omit<Movement, 'sequence'>) {
  return {
    [`${kind}_id`]: movement.movementId,
    payment_id: movement.paymentId,
    amount: formatAmount(movement.amountMinor, movement.currency),
    currency: movement.currency,
    ...(kind === 'return' && { reason: movement.reason }),
    ...(kind === 'reversal' && { refund_id: movement.refundId }),
    at: movement.at.toISOString(),
  }
}

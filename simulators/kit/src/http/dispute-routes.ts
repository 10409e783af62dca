import { Currency } from '@caudal/contracts/currency-schema.ts'
import { DISPUTE_OUTCOMES } from '@caudal/contracts/reasons.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { Problem } from '@caudal/http/problem.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { Type } from 'typebox'
import type { DisputeRefusal, Disputes } from '../disputes.ts'
import { type BankDispute, listDisputes } from '../store/dispute-table.ts'
import { addSequenceList } from './add-sequence-list.ts'
import { listQuery } from './list-query.ts'
import { type BankConsole, readAmount } from './movement-routes.ts'

const Dispute = Type.Object({
  dispute_id: Uuid,
  gateway_id: Type.String({ description: "The bank's id, as its callbacks have it." }),
  payment_id: Uuid,
  amount: Type.String(),
  currency: Currency,
  reason: Type.String(),
  state: Type.Enum(['opened', 'won', 'lost']),
})
/** Of card schemes: fraud without the card. */
const FRAUD = '10.4'
const Opening = Type.Object({
  payment_id: Uuid,
  amount: Type.Optional(Type.String({ maxLength: 24 })),
  reason: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._-]{1,32}$' })),
})
const Closing = Type.Object({
  outcome: Type.Enum([...DISPUTE_OUTCOMES]),
  beyond_charge: Type.Optional(Type.Boolean()),
})
const problems = ['PAYMENT_NOT_FOUND', 'CORRECTION_EXCEEDS_ORIGINAL', 'DISPUTE_ENDED'] as const

/** Adds what payers dispute: they open and close disputes here, and all are listed. */
export function addDisputeRoutes(
  app: HttpServer,
  routes: { cursors: Cursors; db: Db; disputes: Disputes; console: BankConsole },
): void {
  const { cursors, db, disputes, console } = routes
  app.post(
    '/admin/disputes',
    { schema: { body: Opening, response: { 201: Dispute }, problems } },
    async ({ body }, reply) => {
      const paymentId = body.payment_id.toLowerCase()
      const currency = await console.currencyOf(paymentId)
      if (currency === null) throw new Problem('PAYMENT_NOT_FOUND')
      const amountMinor = body.amount === undefined ? null : readAmount(body.amount, currency)
      const { reason = FRAUD } = body
      return reply.code(201).send(show(await disputes.open({ paymentId, amountMinor, reason })))
    },
  )
  const params = Type.Object({ dispute_id: Uuid })
  app.post(
    '/admin/disputes/:dispute_id/close',
    { schema: { params, body: Closing, response: { 200: Dispute }, problems } },
    async ({ params: { dispute_id: id }, body }, reply) => {
      const { outcome, beyond_charge: beyondCharge = false } = body
      const order = { disputeId: id.toLowerCase(), outcome, beyondCharge }
      return reply.send(show(await disputes.close(order)))
    },
  )
  addSequenceList<BankDispute>(app, '/admin/disputes', {
    cursors,
    query: listQuery,
    item: Dispute,
    list: ({ payment_id: paymentId = null }, page) => listDisputes(db, { paymentId, ...page }),
    positionOf: ({ sequence }) => sequence,
    show,
  })
}

function show(dispute: BankDispute | DisputeRefusal) {
  if (typeof dispute === 'string') throw refusal(dispute)
  return {
    dispute_id: dispute.disputeId,
    gateway_id: dispute.gatewayId,
    payment_id: dispute.paymentId,
    amount: formatAmount(dispute.amountMinor, dispute.currency),
    currency: dispute.currency,
    reason: dispute.reason,
    state: dispute.state,
  }
}

function refusal(why: DisputeRefusal): Problem {
  switch (why) {
    case 'payment_not_found':
      return new Problem('PAYMENT_NOT_FOUND')
    case 'dispute_not_found':
      return new Problem('PAYMENT_NOT_FOUND', 'no payment has a dispute with this id')
    case 'exceeds_charge':
      return new Problem(
        'CORRECTION_EXCEEDS_ORIGINAL',
        'the amount exceeds the charge, or what is left of it',
      )
    case 'has_ended':
      return new Problem('DISPUTE_ENDED', 'the dispute ended with another outcome')
    default:
      return why satisfies never
  }
}

import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { takeOverReply } from '@caudal/http/take-over-reply.ts'
import { deliver } from '@caudal/simulator-kit/http/deliver.ts'
import { readAmount } from '@caudal/simulator-kit/http/movement-routes.ts'
import type { PendingResponses } from '@caudal/simulator-kit/http/pending-responses.ts'
import { planStatus } from '@caudal/simulator-kit/plan-status.ts'
import { traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { acceptMovement, type AcceptMovementDeps, type ClientMovement } from '../accept-movement.ts'
import {
  movementFingerprint,
  PayoutRequest,
  ReadPayoutRequest,
  ReadRefundRequest,
  RefundRequest,
  VoidRequest,
} from '../domain/movement-requests.ts'
import { movementResponses, movementStatuses } from '../domain/movement-responses.ts'
import type { ClientKind } from '../domain/movement.ts'
import { findMovements, movementKey } from '../store/find-movements.ts'

const Text = Type.Optional(Type.String())
const IDS = {
  refund: { refund_id: Text, gateway_refund_id: Text },
  void: { void_id: Text, gateway_void_id: Text },
  payout: { payout_id: Text, gateway_payout_id: Text },
} as const
const MEMBERS = {
  payment_id: Text,
  message: Text,
  error_code: Text,
  amount: Text,
  currency: Text,
}

/** The responses about an operation; a failure is a problem or has `error_code`. */
function responsesOf(kind: ClientKind) {
  const ids = IDS[kind]
  const approved = { status: Type.Literal('approved'), ...ids, ...MEMBERS }
  const failed = Type.Object({ status: Type.Literal('failed'), ...ids, ...MEMBERS })
  return { 200: Type.Object(approved), 422: failed, 500: failed }
}

const problems = [
  'IDEMPOTENCY_KEY_REQUIRED',
  'INVALID_IDEMPOTENCY_KEY',
  'IDEMPOTENCY_MISMATCH',
  'RATE_LIMITED',
] as const

function keyOf(member: string) {
  const description = `The ${member} of the body.`
  return { 'idempotency-key': Type.String({ format: 'uuid', description }) }
}

interface OperationRouteDeps extends AcceptMovementDeps {
  pending: PendingResponses
}

/** Adds the bank's routes for refunds, voids and payouts, and for their status. */
export function addOperationRoutes(app: HttpServer, deps: OperationRouteDeps): void {
  const refunds = { body: RefundRequest, readBody: ReadRefundRequest, problems }
  app.post(
    '/v1/refunds',
    { schema: { ...refunds, readHeaders: keyOf('refund_id'), response: responsesOf('refund') } },
    (request, reply) => respond(deps, { request, reply }, refundOf(request.body)),
  )
  app.post(
    '/v1/voids',
    {
      schema: {
        body: VoidRequest,
        readHeaders: keyOf('void_id'),
        response: responsesOf('void'),
        problems,
      },
    },
    (request, reply) => respond(deps, { request, reply }, voidOf(request.body)),
  )
  const payouts = { body: PayoutRequest, readBody: ReadPayoutRequest, problems }
  app.post(
    '/v1/payouts',
    { schema: { ...payouts, readHeaders: keyOf('payout_id'), response: responsesOf('payout') } },
    (request, reply) => respond(deps, { request, reply }, payoutOf(request.body)),
  )
  for (const kind of ['refund', 'void', 'payout'] as const) addStatus(app, deps, kind)
}

async function respond(
  deps: OperationRouteDeps,
  { request, reply }: { request: Pick<FastifyRequest, 'headers' | 'traceparent'>; reply: unknown },
  movement: ClientMovement,
): Promise<void> {
  const key = request.headers['idempotency-key']
  const traceId = traceIdOf(request.traceparent)
  const accepted = await acceptMovement(deps, movement, { key, traceId })
  const response = takeOverReply(reply as FastifyReply)
  await deliver(deps.pending, response, movementResponses, accepted)
}

function addStatus(app: HttpServer, deps: OperationRouteDeps, kind: ClientKind): void {
  const ids = IDS[kind]
  const status = Type.Enum(['approved', 'failed', 'not_found'])
  const schema = {
    params: Type.Object({ movement_id: Uuid }),
    response: { 200: Type.Object({ status, ...ids, ...MEMBERS }) },
  }
  app.get(`/v1/${kind}s/:movement_id`, { schema }, async (request, reply) => {
    const movementId = request.params.movement_id.toLowerCase()
    const found = await findMovements(deps.db, [movementId])
    const movement = found.get(movementKey({ kind, movementId })) ?? null
    const paymentId = movement?.paymentId ?? null
    const subject = {
      operationId: movementId,
      paymentId,
      isKnown: movement !== null,
    }
    const planned = await planStatus({ db: deps.db, chooser: deps.behaviours.chooser }, subject)
    const traceId = traceIdOf(request.traceparent)
    const what = { ...planned, kind, movementId, paymentId, movement, traceId }
    await deliver(deps.pending, takeOverReply(reply), movementStatuses, what)
  })
}

function refundOf(body: RefundRequest): ClientMovement {
  const { amount, currency, timestamp } = body
  const ids = lowerCase([body.refund_id, body.payment_id, body.gateway_transaction_id])
  const [movementId = '', paymentId = '', gatewayTransactionId = ''] = ids
  return {
    kind: 'refund',
    movementId,
    paymentId,
    accountNumber: null,
    gatewayTransactionId,
    amountMinor: readAmount(amount, currency),
    chargesMinor: 0n,
    currency,
    reason: null,
    fingerprint: movementFingerprint([...ids, timestamp, amount, currency]),
    fromConsole: false,
    beyondCharge: false,
  }
}

function voidOf(body: VoidRequest): ClientMovement {
  const ids = lowerCase([body.void_id, body.payment_id, body.gateway_transaction_id])
  const [movementId = '', paymentId = '', gatewayTransactionId = ''] = ids
  return {
    kind: 'void',
    movementId,
    paymentId,
    accountNumber: null,
    gatewayTransactionId,
    amountMinor: null,
    chargesMinor: 0n,
    currency: null,
    reason: null,
    fingerprint: movementFingerprint([...ids, body.timestamp]),
    fromConsole: false,
    beyondCharge: false,
  }
}

function payoutOf(body: PayoutRequest): ClientMovement {
  const { amount, currency, timestamp, account_number: accountNumber } = body
  const movementId = body.payout_id.toLowerCase()
  const asked = [body.source_account_number, body.name, accountNumber, body.bank_code]
  return {
    kind: 'payout',
    movementId,
    paymentId: null,
    accountNumber,
    gatewayTransactionId: null,
    amountMinor: readAmount(amount, currency),
    chargesMinor: 0n,
    currency,
    reason: null,
    fingerprint: movementFingerprint([movementId, timestamp, amount, currency, ...asked]),
    fromConsole: false,
    beyondCharge: false,
  }
}

function lowerCase(ids: readonly string[]): string[] {
  return ids.map((id) => id.toLowerCase())
}

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
  ReadRefundRequest,
  RefundRequest,
  VoidRequest,
} from '../domain/movement-requests.ts'
import { movementResponses, movementStatuses } from '../domain/movement-responses.ts'
import { findMovements, movementKey } from '../store/find-movements.ts'

const Text = Type.Optional(Type.String())
const REFUND_IDS = { refund_id: Text, gateway_refund_id: Text }
const VOID_IDS = { void_id: Text, gateway_void_id: Text }
const MEMBERS = {
  payment_id: Text,
  message: Text,
  error_code: Text,
  amount: Text,
  currency: Text,
}

/** The responses about a refund or a void; a failure is a problem or has `error_code`. */
function responsesOf(ids: typeof REFUND_IDS | typeof VOID_IDS) {
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

interface MoneyBackDeps extends AcceptMovementDeps {
  pending: PendingResponses
}

/** Adds the bank's routes for money that comes back: refunds and voids, and their status. */
export function addMoneyBackRoutes(app: HttpServer, deps: MoneyBackDeps): void {
  const refunds = { body: RefundRequest, readBody: ReadRefundRequest, problems }
  app.post(
    '/v1/refunds',
    { schema: { ...refunds, readHeaders: keyOf('refund_id'), response: responsesOf(REFUND_IDS) } },
    (request, reply) => respond(deps, { request, reply }, refundOf(request.body)),
  )
  app.post(
    '/v1/voids',
    {
      schema: {
        body: VoidRequest,
        readHeaders: keyOf('void_id'),
        response: responsesOf(VOID_IDS),
        problems,
      },
    },
    (request, reply) => respond(deps, { request, reply }, voidOf(request.body)),
  )
  addStatus(app, deps, 'refund')
  addStatus(app, deps, 'void')
}

async function respond(
  deps: MoneyBackDeps,
  { request, reply }: { request: Pick<FastifyRequest, 'headers' | 'traceparent'>; reply: unknown },
  movement: ClientMovement,
): Promise<void> {
  const key = request.headers['idempotency-key']
  const traceId = traceIdOf(request.traceparent)
  const accepted = await acceptMovement(deps, movement, { key, traceId })
  const response = takeOverReply(reply as FastifyReply)
  await deliver(deps.pending, response, movementResponses, accepted)
}

function addStatus(app: HttpServer, deps: MoneyBackDeps, kind: 'refund' | 'void'): void {
  const ids = kind === 'refund' ? REFUND_IDS : VOID_IDS
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
    gatewayTransactionId,
    amountMinor: readAmount(amount, currency),
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
    gatewayTransactionId,
    amountMinor: null,
    currency: null,
    reason: null,
    fingerprint: movementFingerprint([...ids, body.timestamp]),
    fromConsole: false,
    beyondCharge: false,
  }
}

function lowerCase(ids: readonly string[]): string[] {
  return ids.map((id) => id.toLowerCase())
}

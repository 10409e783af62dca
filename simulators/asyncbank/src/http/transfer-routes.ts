import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Batcher } from '@caudal/batching/create-batcher.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { refuseEncodedBody } from '@caudal/http/refuse-encoded-body.ts'
import { takeOverReply } from '@caudal/http/take-over-reply.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { BehaviourStore } from '@caudal/simulator-kit/behaviour-store.ts'
import type { Callbacks } from '@caudal/simulator-kit/callbacks/start-callbacks.ts'
import type { AlarmClock } from '@caudal/simulator-kit/create-alarm-clock.ts'
import { deliver } from '@caudal/simulator-kit/http/deliver.ts'
import type { PendingResponses } from '@caudal/simulator-kit/http/pending-responses.ts'
import { writeResponse } from '@caudal/simulator-kit/http/write-response.ts'
import { planStatus } from '@caudal/simulator-kit/plan-status.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { formResponse, orderResponses, statusResponses } from '../domain/form-responses.ts'
import { readKey, readTransfer } from '../domain/read-transfer.ts'
import type { IncomingOrder, ProcessedOrder } from '../process-batch.ts'
import { findByIds } from '../store/find-transfers.ts'

export interface TransferRouteDeps {
  db: Db
  apiKey: string
  batcher: Batcher<IncomingOrder, ProcessedOrder>
  settlement: AlarmClock
  behaviours: BehaviourStore
  callbacks: Callbacks
  pending: PendingResponses
  logger: Logger
}

const FORM = 'application/x-www-form-urlencoded'
const FORM_LIMIT_BYTES = 8 * 1024

/** Adds the bank's public routes: order a transfer, and ask for its state by the bank's id. */
export function addTransferRoutes(app: HttpServer, deps: TransferRouteDeps): void {
  const { db, behaviours, pending } = deps
  app.addContentTypeParser(FORM, { parseAs: 'string' }, (request, body, done) => {
    try {
      refuseEncodedBody(request)
      done(null, body)
    } catch (error) {
      done(error as Error)
    }
  })
  // Forms are not described in the OpenAPI document, but in the README.
  const hide = true
  const options = { bodyLimit: FORM_LIMIT_BYTES, schema: { hide } }
  app.post('/api/transfers', options, async (request, reply) => {
    if (!isAllowed(request.headers, deps.apiKey)) return refuse(reply, 401, 'unauthorized')
    const key = readKey(request.headers['x-request-key'])
    if (typeof key !== 'string') return refuse(reply, 400, key.code)
    if (typeof request.body !== 'string') return refuse(reply, 400, 'not_a_form')
    const order = readTransfer(request.body)
    if ('code' in order) return refuse(reply, 400, order.code)
    const accepted = await accept(deps, { key, order }, traceIdOf(request.traceparent))
    await deliver(pending, takeOverReply(reply), orderResponses, accepted)
  })
  const schema = { hide, params: Type.Object({ transfer_id: Type.String({ maxLength: 64 }) }) }
  app.get('/api/transfers/:transfer_id', { schema }, async (request, reply) => {
    if (!isAllowed(request.headers, deps.apiKey)) return refuse(reply, 401, 'unauthorized')
    const { transfer_id: transferId } = request.params
    const transfer = (await findByIds(db, [transferId])).get(transferId) ?? null
    if (transfer === null) return refuse(reply, 404, 'not_found')
    const paymentId = transfer.kind === 'pay' ? transfer.ref : null
    const subject = { operationId: transfer.ref, paymentId, isKnown: true }
    const planned = await planStatus({ db, chooser: behaviours.chooser }, subject)
    const status = { ...planned, transfer, isNew: false }
    await deliver(pending, takeOverReply(reply), statusResponses, status)
  })
}

async function accept(deps: TransferRouteDeps, incoming: IncomingOrder, traceId: string) {
  const { batcher, settlement, behaviours, callbacks, logger } = deps
  const { ref } = incoming.order
  const processed = await batcher.submit(incoming)
  const { delivery } = processed
  logger.debug({ ref, trace_id: traceId, delivery }, 'processed an order for a transfer')
  if (processed.isNew) settlement.wake()
  if (processed.awaitsCallback) {
    await settlement.runOnce()
    await callbacks.firstAttempt(ref)
  }
  return { ...processed, delayMs: behaviours.chooser.latencyMs + processed.delayMs }
}

/** Digests have one length, so the time of the comparison does not depend on the given key. */
function isAllowed({ 'x-api-key': given }: IncomingHttpHeaders, apiKey: string): boolean {
  if (typeof given !== 'string') return false
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', apiKey, 'buffer'))
}

function refuse(reply: FastifyReply, status: number, code: string): void {
  writeResponse(takeOverReply(reply), formResponse(status, { code }))
}

import { ERROR_CODES } from '@caudal/contracts/error-codes.ts'
import { identityOf, requireToken, type TokenHook } from '@caudal/http/authenticate.ts'
import { closeObjects, compileValidator } from '@caudal/http/compile-validator.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { Problem, PROBLEM_CONTENT_TYPE, problemBody } from '@caudal/http/problem.ts'
import type { Identity, TokenVerifier } from '@caudal/http/token-verifier.ts'
import { traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type TSchema, Type } from 'typebox'
import type { Command } from '../domain/command.ts'
import type { Answer } from './answer.ts'
import {
  BatchedClose,
  type BatchedCommand,
  BatchedMove,
  CloseBody,
  CommittedAnswer,
  MoveBody,
} from './ledger-schemas.ts'
import { type CommandRequest, readCommand } from './read-command.ts'

export interface LedgerRouteDeps {
  verifier: TokenVerifier
  /** Hands a command to the batch that forms; resolves to the client's own answer. */
  submit: (command: Command, traceparent: string) => Promise<Answer>
  stripe: number
}

const BATCH_LIMIT = 1_000
const BATCH_BODY_BYTES = 2 * 1024 * 1024
const JSON_CONTENT_TYPE = 'application/json; charset=utf-8'
const security = [{ bearer: ['ledger:write'] }]
const batchBody = Type.Object({
  commands: Type.Array(Type.Unknown(), { minItems: 1, maxItems: BATCH_LIMIT }),
})
const batchAnswer = Type.Object({
  results: Type.Array(Type.Object({ status: Type.Integer(), body: Type.Unknown() })),
})

/** The ledger's commands for internal clients with the scope ledger:write (F1). */
export function addLedgerRoutes(app: HttpServer, deps: LedgerRouteDeps): void {
  const onRequest = [requireToken({ verifier: deps.verifier, scope: 'ledger:write' }), onlyServices]
  const moving = { ...options(MoveBody), onRequest }
  for (const kind of ['credit', 'debit', 'hold'] as const) {
    app.post(`/v1/wallet/${kind}`, moving, (request, reply) =>
      answerOne(deps, { kind, body: request.body }, request, reply),
    )
  }
  const closing = { ...options(CloseBody), onRequest }
  for (const kind of ['commit', 'rollback'] as const) {
    app.post(`/v1/wallet/${kind}`, closing, (request, reply) =>
      answerOne(deps, { kind, body: request.body }, request, reply),
    )
  }
  addBatchRoute(app, deps, onRequest)
}

function options<B extends TSchema>(body: B) {
  return {
    schema: { body, response: { 200: CommittedAnswer }, tags: ['ledger'], security },
    config: { integers: 'bigint' },
  } as const
}

function addBatchRoute(app: HttpServer, deps: LedgerRouteDeps, onRequest: TokenHook[]): void {
  const schema = {
    summary: 'Up to 1,000 commands, each with a key and a result of its own.',
    body: batchBody,
    response: { 200: batchAnswer },
    tags: ['ledger'],
    security,
  }
  const config = { integers: 'bigint' } as const
  app.post(
    '/v1/batch',
    { schema, onRequest, config, bodyLimit: BATCH_BODY_BYTES },
    async (request, reply) => {
      const identity = identityOf(request)
      const { traceparent } = request
      const results = await Promise.all(
        request.body.commands.map((item) => answerItem(deps, item, identity, traceparent)),
      )
      const parts = results.map(({ status, body }) => `{"status":${status},"body":${body}}`)
      return reply
        .header('content-type', JSON_CONTENT_TYPE)
        .send(`{"results":[${parts.join(',')}]}`)
    },
  )
}

async function answerOne(
  deps: LedgerRouteDeps,
  asked: CommandRequest,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const key = request.headers['x-idempotency-key']
  const command = readCommand(asked, key, identityOf(request), deps.stripe)
  const { status, body, replayed } = await deps.submit(command, request.traceparent)
  if (replayed) reply.header('idempotency-replayed', 'true')
  const type = status < 400 ? JSON_CONTENT_TYPE : PROBLEM_CONTENT_TYPE
  // As bytes: to a text the framework would add a charset, which problem documents have not.
  return reply.code(status).header('content-type', type).send(Buffer.from(body))
}

const validateMove = compileItem(BatchedMove)
const validateClose = compileItem(BatchedClose)

/** A command that is wrong in itself gets its own refusal and never fails its neighbours. */
async function answerItem(
  deps: LedgerRouteDeps,
  item: unknown,
  identity: Identity,
  traceparent: string,
): Promise<Pick<Answer, 'status' | 'body'>> {
  try {
    const { command: kind, idempotency_key: key, ...body } = readItem(item)
    const request = { kind, body } as CommandRequest
    return await deps.submit(readCommand(request, key, identity, deps.stripe), traceparent)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const { code, detail, extra } = error
    const body = problemBody(code, traceIdOf(traceparent), detail, extra.members)
    return { status: ERROR_CODES[code].status, body }
  }
}

function readItem(item: unknown): BatchedCommand {
  const kind = (item as { command?: unknown } | null)?.command
  const validate = kind === 'commit' || kind === 'rollback' ? validateClose : validateMove
  const { value, error } = validate(item)
  if (error !== undefined) throw error
  return value as BatchedCommand
}

type Validate = (item: unknown) => { value?: unknown; error?: Problem }

function compileItem(schema: TSchema): Validate {
  const closed = closeObjects(schema) as Parameters<typeof compileValidator>[0]['schema']
  const route = { schema: closed, method: 'POST', url: '/v1/batch', httpPart: 'body' }
  return compileValidator(route) as Validate
}

function onlyServices(
  request: FastifyRequest,
  _reply: FastifyReply,
  done: (error?: Error) => void,
): void {
  const allowed = identityOf(request).kind === 'service'
  done(allowed ? undefined : new Problem('FORBIDDEN', 'the ledger is for internal clients'))
}

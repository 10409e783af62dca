import { ERROR_CODES } from '@caudal/contracts/error-codes.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { Problem, problemBody } from '@caudal/http/problem.ts'
import { readKeyHeader } from '@caudal/http/read-key-header.ts'
import { secured } from '@caudal/http/secured.ts'
import { traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Answer } from '../ledger/answer-batch.ts'
import type { Command } from '../ledger/domain/command.ts'
import { CLIENT_KINDS, KINDS } from '../ledger/domain/kinds.ts'
import { askingOf, JSON_CONTENT_TYPE, type CommandRouteDeps, sendAnswer } from './answer-command.ts'
import { BATCH_PROBLEMS, keyedIfAtomic } from './command-problems.ts'
import { BatchAnswer, BatchBody, notApplied, ReadBatchBody } from './command-schemas.ts'
import { readAtomicBatch, readBatchedCommand } from './read-batch.ts'
import type { Asking } from './read-command.ts'

/** A batch is for whoever may send any command; each of its commands asks for its own scope. */
const SCOPES_OF_COMMANDS = [...new Set(CLIENT_KINDS.map((kind) => KINDS[kind].scope))]
const BATCH_BODY_BYTES = 2 * 1024 * 1024

/** Up to 1,000 commands in one request: each for itself, or all of them or none. */
export function addBatchRoute(app: HttpServer, deps: CommandRouteDeps): void {
  const schema = {
    summary: 'Up to 1,000 commands, each with a key and a result of its own, or all or nothing.',
    body: BatchBody,
    readBody: ReadBatchBody,
    ...keyedIfAtomic,
    problems: BATCH_PROBLEMS,
    problemMembers: { BATCH_NOT_APPLIED: notApplied },
    response: { 200: BatchAnswer },
    tags: ['ledger'],
  }
  const options = {
    ...secured({ verifier: deps.verifier, scope: SCOPES_OF_COMMANDS }, schema),
    config: { integers: 'bigint' } as const,
    bodyLimit: BATCH_BODY_BYTES,
  }
  app.post('/v1/batch', options, (request, reply) => {
    const { commands, atomic } = request.body
    if (atomic === true) return answerAtomic(deps, commands, request, reply)
    return answerEach(deps, commands, request, reply)
  })
}

async function answerAtomic(
  deps: CommandRouteDeps,
  items: readonly unknown[],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const key = readKeyHeader(request.headers, 'x-idempotency-key')
  const asking = askingOf(deps, request, key)
  const answer = await deps.submit(readAtomicBatch(items, asking), request.traceparent)
  return sendAnswer(reply, answer)
}

async function answerEach(
  deps: CommandRouteDeps,
  items: readonly unknown[],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const asking = askingOf(deps, request)
  const { traceparent } = request
  const read = items.map((item) => readItem(item, asking, traceparent))
  const commands = read.filter((it) => 'kind' in it)
  const answers = (await deps.submitAll(commands, traceparent)).values()
  const parts = read.map((it) => {
    const { status, body } = 'kind' in it ? answers.next().value! : it
    return `{"status":${status},"body":${body}}`
  })
  return reply.header('content-type', JSON_CONTENT_TYPE).send(`{"results":[${parts.join(',')}]}`)
}

/** A command that is wrong in itself gets its own refusal and never fails its neighbours. */
function readItem(
  item: unknown,
  asking: Omit<Asking, 'key'>,
  traceparent: string,
): Command | Pick<Answer, 'status' | 'body'> {
  try {
    return readBatchedCommand(item, asking)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const { code, detail, extra } = error
    const body = problemBody(code, traceIdOf(traceparent), detail, extra.members)
    return { status: ERROR_CODES[code].status, body }
  }
}

import { identityOf } from '@caudal/http/authenticate.ts'
import { PROBLEM_CONTENT_TYPE } from '@caudal/http/problem.ts'
import { readKeyHeader } from '@caudal/http/read-key-header.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Answer } from '../ledger/answer-batch.ts'
import type { AtomicBatch, Command } from '../ledger/domain/command.ts'
import type { PolicyOf } from './policy-book.ts'
import { type Asking, type CommandRequest, readCommand } from './read-command.ts'

export interface CommandRouteDeps {
  verifier: TokenVerifier
  /** What a client may do beside its scopes. */
  policyOf: PolicyOf
  /** Hands a request to the batch that forms; resolves to the client's own answer. */
  submit: (request: Command | AtomicBatch, traceparent: string) => Promise<Answer>
  /** The same for commands of one request, each for itself; answers are in their order. */
  submitAll: (commands: readonly Command[], traceparent: string) => Promise<Answer[]>
}

/** Who asks under which key, with its policy. */
export function askingOf(
  { policyOf }: Pick<CommandRouteDeps, 'policyOf'>,
  request: FastifyRequest,
  key?: unknown,
): Asking {
  const identity = identityOf(request)
  return { identity, key, policy: policyOf(identity) }
}

export const JSON_CONTENT_TYPE = 'application/json; charset=utf-8'

/** Answers a command with the bytes that are stored under its key. */
export async function answerCommand(
  deps: CommandRouteDeps,
  asked: CommandRequest,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const key = readKeyHeader(request.headers, 'x-idempotency-key')
  const command = readCommand(asked, askingOf(deps, request, key))
  return sendAnswer(reply, await deps.submit(command, request.traceparent))
}

/** Sends an answer as it is, to the byte. */
export function sendAnswer(reply: FastifyReply, { status, body, replayed }: Answer): FastifyReply {
  if (replayed) reply.header('idempotency-replayed', 'true')
  reply.code(status)
  // A text is sent in one piece with its head. To the content type of a problem document the
  // framework would add a charset, so that one is sent as bytes.
  if (status < 400) return reply.header('content-type', JSON_CONTENT_TYPE).send(body)
  return reply.header('content-type', PROBLEM_CONTENT_TYPE).send(Buffer.from(body))
}

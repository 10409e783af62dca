import { identityOf, requireToken, type TokenHook } from '@caudal/http/authenticate.ts'
import { PROBLEM_CONTENT_TYPE } from '@caudal/http/problem.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Command, Request } from '../ledger/domain/command.ts'
import type { Answer } from './answer.ts'
import { onlyServices } from './only-services.ts'
import { type CommandRequest, readCommand } from './read-command.ts'

export interface LedgerRouteDeps {
  verifier: TokenVerifier
  /** Hands a request to the batch that forms; resolves to the client's own answer. */
  submit: (request: Request, traceparent: string) => Promise<Answer>
  /** The same for commands of one request, each for itself; answers are in their order. */
  submitAll: (commands: readonly Command[], traceparent: string) => Promise<Answer[]>
  stripe: number
}

export const JSON_CONTENT_TYPE = 'application/json; charset=utf-8'

/** Lets internal clients with this scope through, and no users. */
export function clientsWith(verifier: TokenVerifier, scope: string): TokenHook[] {
  return [requireToken({ verifier, scope }), onlyServices]
}

/** Answers a command with the bytes that are stored under its key. */
export async function answerCommand(
  deps: LedgerRouteDeps,
  asked: CommandRequest,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const key = request.headers['x-idempotency-key']
  const { stripe } = deps
  const command = readCommand(asked, { identity: identityOf(request), key, stripe })
  return sendAnswer(reply, await deps.submit(command, request.traceparent))
}

/** Sends an answer as it is, to the byte. */
export function sendAnswer(reply: FastifyReply, { status, body, replayed }: Answer): FastifyReply {
  if (replayed) reply.header('idempotency-replayed', 'true')
  reply.code(status)
  // A text leaves in one piece with its head; but to that of a problem document the framework would
  // add a charset, which these have not.
  if (status < 400) return reply.header('content-type', JSON_CONTENT_TYPE).send(body)
  return reply.header('content-type', PROBLEM_CONTENT_TYPE).send(Buffer.from(body))
}

import type { HttpServer } from '@caudal/http/create-server.ts'
import type { TSchema } from 'typebox'
import { answerCommand, clientsWith, type LedgerRouteDeps } from './answer-command.ts'
import { addBatchRoute } from './batch-route.ts'
import { COMMAND_PROBLEMS, keyed } from './command-problems.ts'
import {
  CommitBody,
  CommittedAnswer,
  HoldBody,
  MoveBody,
  RollbackBody,
  TransferBody,
} from './command-schemas.ts'

const SCOPE = 'ledger:write'
const TRANSFER_BODY_BYTES = 64 * 1024

/** The ledger's commands for internal clients with the scope ledger:write (F1). */
export function addLedgerRoutes(app: HttpServer, deps: LedgerRouteDeps): void {
  const onRequest = clientsWith(deps.verifier, SCOPE)
  for (const kind of ['credit', 'debit'] as const) {
    app.post(`/v1/wallet/${kind}`, { ...options(kind, MoveBody), onRequest }, (request, reply) =>
      answerCommand(deps, { kind, body: request.body }, request, reply),
    )
  }
  app.post('/v1/wallet/hold', { ...options('hold', HoldBody), onRequest }, (request, reply) =>
    answerCommand(deps, { kind: 'hold', body: request.body }, request, reply),
  )
  app.post('/v1/wallet/commit', { ...options('commit', CommitBody), onRequest }, (request, reply) =>
    answerCommand(deps, { kind: 'commit', body: request.body }, request, reply),
  )
  app.post(
    '/v1/wallet/rollback',
    { ...options('rollback', RollbackBody), onRequest },
    (request, reply) =>
      answerCommand(deps, { kind: 'rollback', body: request.body }, request, reply),
  )
  const transferring = {
    ...options('transfer', TransferBody),
    onRequest,
    bodyLimit: TRANSFER_BODY_BYTES,
  }
  app.post('/v1/transfers', transferring, (request, reply) =>
    answerCommand(deps, { kind: 'transfer', body: request.body }, request, reply),
  )
  addBatchRoute(app, deps, onRequest)
}

function options<B extends TSchema>(kind: keyof typeof COMMAND_PROBLEMS, body: B) {
  const security = [{ bearer: [SCOPE] }]
  const response = { 200: CommittedAnswer }
  const problems = COMMAND_PROBLEMS[kind]
  return {
    schema: { body, ...keyed, response, problems, tags: ['ledger'], security },
    config: { integers: 'bigint' },
  } as const
}

import type { HttpServer } from '@caudal/http/create-server.ts'
import type { TSchema } from 'typebox'
import { answerCommand, clientsWith, type LedgerRouteDeps } from './answer-command.ts'
import { addBatchRoute } from './batch-route.ts'
import {
  CommitBody,
  CommittedAnswer,
  HoldBody,
  MoveBody,
  RollbackBody,
  TransferBody,
} from './ledger-schemas.ts'

const SCOPE = 'ledger:write'
const TRANSFER_BODY_BYTES = 64 * 1024

/** The ledger's commands for internal clients with the scope ledger:write (F1). */
export function addLedgerRoutes(app: HttpServer, deps: LedgerRouteDeps): void {
  const onRequest = clientsWith(deps.verifier, SCOPE)
  const moving = { ...options(MoveBody), onRequest }
  for (const kind of ['credit', 'debit'] as const) {
    app.post(`/v1/wallet/${kind}`, moving, (request, reply) =>
      answerCommand(deps, { kind, body: request.body }, request, reply),
    )
  }
  app.post('/v1/wallet/hold', { ...options(HoldBody), onRequest }, (request, reply) =>
    answerCommand(deps, { kind: 'hold', body: request.body }, request, reply),
  )
  app.post('/v1/wallet/commit', { ...options(CommitBody), onRequest }, (request, reply) =>
    answerCommand(deps, { kind: 'commit', body: request.body }, request, reply),
  )
  app.post('/v1/wallet/rollback', { ...options(RollbackBody), onRequest }, (request, reply) =>
    answerCommand(deps, { kind: 'rollback', body: request.body }, request, reply),
  )
  const transferring = { ...options(TransferBody), onRequest, bodyLimit: TRANSFER_BODY_BYTES }
  app.post('/v1/transfers', transferring, (request, reply) =>
    answerCommand(deps, { kind: 'transfer', body: request.body }, request, reply),
  )
  addBatchRoute(app, deps, onRequest)
}

function options<B extends TSchema>(body: B) {
  const security = [{ bearer: [SCOPE] }]
  return {
    schema: { body, response: { 200: CommittedAnswer }, tags: ['ledger'], security },
    config: { integers: 'bigint' },
  } as const
}

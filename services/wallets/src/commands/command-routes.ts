import { SCOPE } from '@caudal/contracts/scopes.ts'
import { TRANSFER_KINDS, type TransferKind } from '@caudal/contracts/transfer-kinds.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { KINDS } from '../ledger/domain/kinds.ts'
import { answerCommand, clientsWith, type CommandRouteDeps } from './answer-command.ts'
import { addBatchRoute } from './batch-route.ts'
import { keyed, problemsOf } from './command-problems.ts'
import { bodyOf, PostedAnswer } from './command-schemas.ts'
import { requestOf } from './read-command.ts'

const POSTINGS_BODY_BYTES = 64 * 1024

/** One route for each kind of transfer, and one for batches; for clients with ledger:write (F1). */
export function addCommandRoutes(app: HttpServer, deps: CommandRouteDeps): void {
  const onRequest = clientsWith(deps.verifier, SCOPE.ledgerWrite)
  for (const kind of TRANSFER_KINDS) {
    app.post(pathOf(kind), { ...options(kind), onRequest }, (request, reply) =>
      answerCommand(deps, requestOf(kind, request.body), request, reply),
    )
  }
  addBatchRoute(app, deps, onRequest)
}

/** Any postings have a path of their own; the other kinds are about a wallet. */
function pathOf(kind: TransferKind): string {
  return kind === 'transfer' ? '/v1/transfers' : `/v1/wallet/${kind}`
}

function options(kind: TransferKind) {
  const security = [{ bearer: [SCOPE.ledgerWrite] }]
  const response = { 200: PostedAnswer }
  const problems = problemsOf(kind)
  return {
    schema: { body: bodyOf(kind), ...keyed, response, problems, tags: ['ledger'], security },
    config: { integers: 'bigint' },
    ...(KINDS[kind].form === 'postings' && { bodyLimit: POSTINGS_BODY_BYTES }),
  } as const
}

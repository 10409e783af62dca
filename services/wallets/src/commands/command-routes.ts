import type { HttpServer } from '@caudal/http/create-server.ts'
import { secured } from '@caudal/http/secured.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import type { ClientKind } from '../ledger/domain/command.ts'
import { CLIENT_KINDS, KINDS } from '../ledger/domain/kinds.ts'
import { answerCommand, type CommandRouteDeps } from './answer-command.ts'
import { addBatchRoute } from './batch-route.ts'
import { keyed, problemsOf } from './command-problems.ts'
import { bodyOf, PostedAnswer, readBodyOf } from './command-schemas.ts'
import { requestOf } from './read-command.ts'

const POSTINGS_BODY_BYTES = 64 * 1024

/**
 * One route for each kind of transfer that clients may send, for those with its scope, and one for
 * batches (F1).
 */
export function addCommandRoutes(app: HttpServer, deps: CommandRouteDeps): void {
  for (const kind of CLIENT_KINDS) {
    app.post(pathOf(kind), options(deps.verifier, kind), (request, reply) =>
      answerCommand(deps, requestOf(kind, request.body), request, reply),
    )
  }
  addBatchRoute(app, deps)
}

/** Any postings have a path of their own; the other kinds are about a wallet. */
function pathOf(kind: ClientKind): string {
  return kind === 'transfer' ? '/v1/transfers' : `/v1/wallet/${kind}`
}

function options(verifier: TokenVerifier, kind: ClientKind) {
  const { scope, form } = KINDS[kind]
  const response = { 200: PostedAnswer }
  const problems = problemsOf(kind)
  return {
    ...secured(
      { verifier, scope },
      {
        body: bodyOf(kind),
        readBody: readBodyOf(kind),
        ...keyed,
        response,
        problems,
        tags: ['ledger'],
      },
    ),
    config: { integers: 'bigint' },
    ...(form === 'postings' && { bodyLimit: POSTINGS_BODY_BYTES }),
  } as const
}

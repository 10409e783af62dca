import type { Actor } from '@caudal/contracts/actor.ts'
import { PSP_PATTERN } from '@caudal/contracts/psp.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { actorOf } from '@caudal/http/actor-of.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { Problem } from '@caudal/http/problem.ts'
import { secured } from '@caudal/http/secured.ts'
import { requireEveryTenant } from '@caudal/http/tenant-for.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import { Type } from 'typebox'
import { PSP_STATES, type PspState, type ShownPsp } from '../domain/psp-state.ts'

const State = Type.Enum([...PSP_STATES], {
  description:
    '`enabled`; `draining`: no new payments, while refunds, queries and doubt go on; ' +
    '`disabled`: nothing is sent, while queries of doubt go on',
})
const Psp = Type.Object({
  psp: Type.String(),
  adapter: Type.String(),
  accounts: Type.Array(Type.String()),
  state: State,
  tenants: Type.Array(Type.String(), {
    description: 'those whose routes name it; `*` stands for all',
  }),
})
const list = {
  summary: 'The PSPs and their states',
  response: { 200: Type.Object({ psps: Type.Array(Psp) }) },
}
const change = {
  summary: 'Enable, drain or disable a PSP',
  description:
    'Every instance follows within two seconds. A repeat changes nothing. It is about all ' +
    `tenants, so the token needs ${SCOPE.tenantsAny} too.`,
  params: Type.Object({ psp: Type.String({ pattern: PSP_PATTERN }) }),
  body: Type.Object({
    state: State,
    reason: Type.String({ minLength: 1, maxLength: 500, pattern: '^[^\\u0000]*$' }),
  }),
  problems: ['PSP_NOT_FOUND'] as const,
  response: { 200: Psp },
}

type Change = { psp: string; state: PspState; reason: string; actor: Actor }

export type PspRoutesDeps = {
  verifier: TokenVerifier
  list: () => Promise<ShownPsp[]>
  /** Null if no PSP has the name. */
  setState: (change: Change) => Promise<ShownPsp | null>
}

/** Adds `GET /v1/psps` and `PUT /v1/psps/{psp}/state`. */
export function addPspRoutes(app: HttpServer, { verifier, ...psps }: PspRoutesDeps): void {
  app.get('/v1/psps', secured({ verifier, scope: SCOPE.pspsRead }, list), async () => ({
    psps: await psps.list(),
  }))
  const options = secured({ verifier, scope: SCOPE.pspsWrite }, change)
  app.put('/v1/psps/:psp/state', options, async (request) => {
    const { psp } = request.params
    const identity = identityOf(request)
    requireEveryTenant(identity)
    const actor = actorOf(identity)
    const changed = await psps.setState({ psp, ...request.body, actor })
    if (changed === null) throw new Problem('PSP_NOT_FOUND')
    return changed
  })
}

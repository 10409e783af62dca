import { type Actor, ActorSchema } from '@caudal/contracts/actor.ts'
import { PSP_PATTERN } from '@caudal/contracts/psp.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { actorOf } from '@caudal/http/actor-of.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage, pageOf, pageQuery } from '@caudal/http/page.ts'
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

const ChangeView = Type.Object({
  state: State,
  reason: Type.String(),
  actor: ActorSchema,
  changed_at: Type.String(),
})
const changes = {
  summary: 'The changes of the state of a PSP, newest first',
  params: Type.Object({ psp: Type.String({ pattern: PSP_PATTERN }) }),
  querystring: pageQuery,
  problems: ['PSP_NOT_FOUND'] as const,
  response: { 200: pageOf(ChangeView) },
}

type Change = { psp: string; state: PspState; reason: string; actor: Actor }

export type PspRoutesDeps = {
  verifier: TokenVerifier
  cursors: Cursors
  list: () => Promise<ShownPsp[]>
  /** Null if no PSP has the name. */
  setState: (change: Change) => Promise<ShownPsp | null>
  /** Before the position, the newest first. Null if no PSP has the name. */
  changes: (
    psp: string,
    page: { before: bigint | null; limit: number },
  ) => Promise<RecordedChange[] | null>
}

type RecordedChange = Change & { changeId: bigint; changedAt: Date }

/** Adds `GET /v1/psps`, `PUT /v1/psps/{psp}/state` and `GET /v1/psps/{psp}/changes`. */
export function addPspRoutes(app: HttpServer, { verifier, cursors, ...psps }: PspRoutesDeps): void {
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
  const positions = cursors(Type.String())
  const reading = secured({ verifier, scope: SCOPE.pspsRead }, changes)
  app.get('/v1/psps/:psp/changes', reading, async (request, reply) => {
    const { limit } = request.query
    const position = positions.read(request)
    const before = position === null ? null : BigInt(position)
    const listed = await psps.changes(request.params.psp, { before, limit: limit + 1 })
    if (listed === null) throw new Problem('PSP_NOT_FOUND')
    const cursorAfter = ({ changeId }: RecordedChange) => positions.write(request, String(changeId))
    const show = ({ state, reason, actor, changedAt }: RecordedChange) => ({
      state,
      reason,
      actor,
      changed_at: changedAt.toISOString(),
    })
    return reply.send(cutPage(listed, { limit, cursorAfter, show }))
  })
}

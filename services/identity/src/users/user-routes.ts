import type { Actor } from '@caudal/contracts/actor.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { actorOf } from '@caudal/http/actor-of.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { Problem } from '@caudal/http/problem.ts'
import { secured } from '@caudal/http/secured.ts'
import { tenantFor } from '@caudal/http/tenant-for.ts'
import type { Identity, TokenVerifier } from '@caudal/http/token-verifier.ts'
import {
  type NewUser,
  newUser,
  type User,
  type UserInput,
  viewDevice,
  viewUser,
} from '../domain/user.ts'
import {
  createUsersSchema,
  deleteUserSchema,
  getUserSchema,
  lookupUsersSchema,
  removeDevicesSchema,
} from './user-schemas.ts'

/** What the routes need done; the spine brings it. */
export interface UserRoutesDeps {
  verifier: TokenVerifier
  /** Users of one tenant; answered as they stand, in the order asked. */
  createUsers(work: {
    users: readonly NewUser[]
    actor: Actor
    traceparent: string
  }): Promise<User[]>
  findUsers(keys: readonly Pick<User, 'tenantId' | 'userId'>[]): Promise<User[]>
  removeDevices(tenantId: string, tokens: string[]): Promise<number>
  /** False if there is no such user. */
  deleteUser(tenantId: string, userId: string): Promise<boolean>
}

const BODY_LIMIT_BYTES = 2 * 1024 * 1024

/** Create users, find out where to reach them, forget their dead devices (P6, P8). */
export function addUserRoutes(app: HttpServer, deps: UserRoutesDeps): void {
  const { verifier } = deps
  const bodyLimit = BODY_LIMIT_BYTES
  const write = { verifier, scope: SCOPE.usersWrite }
  const read = { verifier, scope: SCOPE.usersRead }

  app.post(
    '/v1/users',
    { ...secured(write, createUsersSchema), bodyLimit },
    async (request, reply) => {
      const { users, tenant_id, currencies } = request.body
      const identity = identityOf(request)
      const tenantId = tenantFor(identity, tenant_id)
      const wanted = readUsers(users, { tenantId, currencies, makeId: newId })
      const { traceparent } = request
      const actor = actorOf(identity)
      const created = await deps.createUsers({ users: wanted, actor, traceparent })
      return reply.code(201).send({ users: created.map(viewUser) })
    },
  )

  app.post(
    '/v1/users/lookup',
    { ...secured(read, lookupUsersSchema), bodyLimit },
    async (request, reply) => {
      const { tenant_id: wanted, user_ids: userIds } = request.body
      const tenantId = tenantFor(identityOf(request), wanted)
      const users = await deps.findUsers(userIds.map((userId) => ({ tenantId, userId })))
      return reply.send({ users: users.map(viewReachable) })
    },
  )

  app.post(
    '/v1/devices/remove',
    { ...secured(write, removeDevicesSchema), bodyLimit },
    async (request, reply) => {
      const { tenant_id: wanted, tokens } = request.body
      const tenantId = tenantFor(identityOf(request), wanted)
      return reply.send({ removed: await deps.removeDevices(tenantId, tokens) })
    },
  )

  app.delete('/v1/users/:user_id', secured(write, deleteUserSchema), async (request, reply) => {
    const tenantId = tenantFor(identityOf(request), request.query.tenant_id)
    const isDeleted = await deps.deleteUser(tenantId, request.params.user_id)
    if (!isDeleted) throw new Problem('USER_NOT_FOUND')
    return reply.code(204).send()
  })

  app.get(
    '/v1/users/:user_id',
    secured({ ...read, unscoped: 'user' }, getUserSchema),
    async (request, reply) => {
      const { user_id: userId } = request.params
      const tenantId = tenantToRead(identityOf(request), userId, request.query.tenant_id)
      const [user] = tenantId === null ? [] : await deps.findUsers([{ tenantId, userId }])
      if (user === undefined) throw new Problem('USER_NOT_FOUND')
      return reply.send(viewUser(user))
    },
  )
}

function readUsers(
  inputs: readonly UserInput[],
  about: { tenantId: string; currencies: string[] | undefined; makeId: () => string },
): NewUser[] {
  const seen = new Set<string>()
  return inputs.map((input, index) => {
    const user = newUser(input, about)
    if (seen.has(user.userId)) throw malformed(`users.${index}.user_id`, 'is there twice')
    seen.add(user.userId)
    return user
  })
}

function viewReachable(user: User) {
  return { user_id: user.userId, locale: user.locale, devices: user.devices.map(viewDevice) }
}

/** A user sees itself, a client any user of its tenant; null where there is no user to see. */
function tenantToRead(
  identity: Identity,
  userId: string,
  wanted: string | undefined,
): string | null {
  if (identity.kind === 'service') return tenantFor(identity, wanted)
  const isSelf = identity.subject === userId.toLowerCase()
  return isSelf && (wanted ?? identity.tenantId) === identity.tenantId ? identity.tenantId : null
}

function malformed(param: string, reason: string): Problem {
  return new Problem('MALFORMED_REQUEST', `body: ${param} ${reason}`, { members: { param } })
}

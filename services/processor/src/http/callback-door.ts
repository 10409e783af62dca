import type { IncomingHttpHeaders } from 'node:http'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { Problem } from '@caudal/http/problem.ts'
import { withRawBodies } from '@caudal/http/with-raw-bodies.ts'
import { Type } from 'typebox'

/** What the door answers. */
type DoorAnswer = 'accepted' | 'unknown_psp' | 'bad_signature'

/** A callback as it arrived, with what the path names. */
type Arrived = { psp: string; account: string; headers: IncomingHttpHeaders; rawBody: Buffer }

export type CallbackDoorDeps = {
  /** Resolves once the callback is durable. */
  receive: (callback: Arrived) => Promise<DoorAnswer>
}

/** The answer to a callback that is durable. */
export const ACCEPTED = { status: 'accepted' }

/** More than any PSP sends at once. */
const BODY_LIMIT_BYTES = 256 * 1024
const Name = Type.String({ maxLength: 64 })

const schema = {
  summary: 'Report facts as a PSP',
  description:
    'The body is what the PSP signs. It is stored before the answer, whatever it is about. ' +
    'A duplicate is accepted too.',
  params: Type.Object({ psp: Name, psp_account: Name }),
  response: { 202: Type.Object({ status: Type.Literal('accepted') }) },
  problems: ['PSP_NOT_FOUND', 'INVALID_SIGNATURE', 'BODY_TOO_LARGE', 'OVERLOADED'] as const,
  tags: ['callbacks'],
}

/** Adds `POST /callbacks/{psp}/{psp_account}`: without a token, by the signature of the body. */
export function addCallbackDoor(app: HttpServer, deps: CallbackDoorDeps): void {
  withRawBodies(app, (scope) => {
    const options = { schema, bodyLimit: BODY_LIMIT_BYTES }
    scope.post('/callbacks/:psp/:psp_account', options, async (request, reply) => {
      const { psp, psp_account: account } = request.params
      const body: unknown = request.body
      const rawBody = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
      await acceptCallback(deps, { psp, account, headers: request.headers, rawBody })
      return reply.code(202).send(ACCEPTED)
    })
  })
}

/**
 * Resolves once the callback is durable.
 *
 * @throws {Problem} if it is not accepted
 */
export async function acceptCallback(
  { receive }: CallbackDoorDeps,
  arrived: Arrived,
): Promise<void> {
  const answer = await stored(receive(arrived))
  if (answer === 'unknown_psp') throw new Problem('PSP_NOT_FOUND')
  if (answer === 'bad_signature') throw new Problem('INVALID_SIGNATURE')
}

/** What could not be made durable is to be repeated by the PSP, whatever the fault is. */
async function stored(receiving: Promise<DoorAnswer>): Promise<DoorAnswer> {
  try {
    return await receiving
  } catch (error) {
    if ((error as { code?: unknown }).code === 'OVERLOADED') throw error
    const problem = new Problem('UNAVAILABLE')
    problem.cause = error
    throw problem
  }
}

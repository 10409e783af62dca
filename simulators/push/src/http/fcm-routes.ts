import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { AcceptPush } from '../accept-push.ts'
import {
  fcmAccepted,
  type FcmResponse,
  fcmInternal,
  fcmInvalidArgument,
  fcmUnauthenticated,
  fcmUnavailable,
  fcmUnregistered,
} from '../domain/fcm-responses.ts'
import { readFcmMessage } from '../domain/read-fcm-message.ts'

// The bearer token syntax of RFC 6750.
const BEARER = /^bearer [\w.~+/-]+=*$/i
const Project = Type.Object({ project: Type.String({ pattern: '^[a-z0-9-]{1,63}$' }) })

/** Adds the send method of FCM HTTP v1, with FCM's own responses (P6). */
export function addFcmRoutes(
  app: HttpServer,
  { acceptPush, logger }: { acceptPush: AcceptPush; logger: Logger },
): void {
  const respond = async (project: string, authorization: string, body: unknown) => {
    if (!BEARER.test(authorization)) return fcmUnauthenticated()
    const read = readFcmMessage(body)
    if ('refusal' in read) return fcmInvalidArgument(read.refusal)
    const { push, validateOnly } = read
    if (validateOnly) return fcmAccepted(project, 'fake_message_id')
    try {
      const outcome = await acceptPush(push)
      if (outcome === 'unregistered') return fcmUnregistered()
      return outcome === 'failed' ? fcmInternal() : fcmAccepted(project, push.messageId)
    } catch (error) {
      logger.error({ err: error, payment_id: push.paymentId }, 'could not record a push')
      return fcmUnavailable()
    }
  }
  app.post(
    '/v1/projects/:project/messages::send',
    // The handler validates the body, so that errors have FCM's format: Google's document describes
    // the route, ours does not.
    { schema: { hide: true, params: Project, body: Type.Unknown() } },
    async (request, reply) => {
      const { authorization = '' } = request.headers
      return send(reply, await respond(request.params.project, authorization, request.body))
    },
  )
}

function send(reply: FastifyReply, { status, body }: FcmResponse): FastifyReply {
  return reply.code(status).send(body)
}

import { Uuid, UuidBound } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage, pageOf, pageQuery } from '@caudal/http/page.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { Type } from 'typebox'
import type { BehaviourStore } from '../behaviour-store.ts'
import { BehaviourSettingsInput, completeSettings } from '../domain/behaviour-settings.ts'
import { countMessages, type MessageCount, totalMessages } from '../store/count-messages.ts'
import { type DeliveredMessage, listMessages } from '../store/list-messages.ts'

const settings = { 200: BehaviourSettingsInput }
const SETTINGS_LIMIT_BYTES = 4 * 1024 * 1024
const Id = Type.Optional(Type.String({ pattern: '^[!-~]{1,255}$' }))

const ListQuery = Type.Object({
  ...pageQuery.properties,
  // `caudal verify` reads every message, so pages may be large.
  limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
  user_id: Id,
  payment_id: Id,
})

const CountQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
  cursor: pageQuery.properties.cursor,
  // Only messages about payments whose id is greater.
  after: Type.Optional(UuidBound),
})
const CountItem = Type.Object({
  payment_id: Uuid,
  messages: Type.Integer(),
  last_at: Type.String(),
})
const TotalsQuery = Type.Object({ to: UuidBound })
const Totals = Type.Object({ rows: Type.String(), minor: Type.String(), hash: Type.String() })

const TextOrNull = Type.Union([Type.String(), Type.Null()])
const MessageItem = Type.Object({
  message_id: Type.String(),
  platform: Type.Enum(['android', 'ios']),
  device_token: Type.String(),
  user_id: TextOrNull,
  payment_id: TextOrNull,
  title: TextOrNull,
  body: TextOrNull,
  data: Type.Record(Type.String(), Type.Unknown()),
  received_at: Type.String(),
})

/** Adds the test interface: accepted messages and behaviour settings. */
export function addAdminRoutes(
  app: HttpServer,
  { db, behaviours, cursors }: { db: Db; behaviours: BehaviourStore; cursors: Cursors },
): void {
  const countCursors = cursors(Uuid)
  const messageCursors = cursors(Type.String())
  app.get(
    '/admin/messages',
    { schema: { querystring: ListQuery, response: { 200: pageOf(MessageItem) } } },
    async (request, reply) => {
      const { limit, user_id: userId = null, payment_id: paymentId = null } = request.query
      const position = messageCursors.read(request)
      const after = position === null ? null : BigInt(position)
      const messages = await listMessages(db, { userId, paymentId, after, limit: limit + 1 })
      const cursorAfter = ({ deliveryId }: DeliveredMessage) =>
        messageCursors.write(request, String(deliveryId))
      return reply.send(cutPage(messages, { limit, cursorAfter, show: showMessage }))
    },
  )
  app.get(
    '/admin/message-counts',
    { schema: { querystring: CountQuery, response: { 200: pageOf(CountItem) } } },
    async (request, reply) => {
      const { limit, after = null } = request.query
      const counts = await countMessages(db, {
        after: countCursors.read(request) ?? after,
        limit: limit + 1,
      })
      const cursorAfter = (count: MessageCount) => countCursors.write(request, count.paymentId)
      return reply.send(cutPage(counts, { limit, cursorAfter, show: showCount }))
    },
  )
  app.get(
    '/admin/message-totals',
    { schema: { querystring: TotalsQuery, response: { 200: Totals } } },
    async ({ query }, reply) => reply.send(await totalMessages(db, query.to)),
  )
  app.get('/admin/behaviour', { schema: { response: settings } }, (_request, reply) =>
    reply.send(behaviours.settings),
  )
  app.put(
    '/admin/behaviour',
    {
      bodyLimit: SETTINGS_LIMIT_BYTES,
      schema: { body: BehaviourSettingsInput, response: settings },
    },
    async ({ body }, reply) => {
      await behaviours.replace(completeSettings(body))
      return reply.send(behaviours.settings)
    },
  )
}

function showMessage(message: DeliveredMessage) {
  return {
    message_id: message.messageId,
    platform: message.platform,
    device_token: message.deviceToken,
    user_id: message.userId,
    payment_id: message.paymentId,
    title: message.title,
    body: message.body,
    data: message.data,
    received_at: message.receivedAt.toISOString(),
  }
}

function showCount({ paymentId, messages, lastAt }: MessageCount) {
  return { payment_id: paymentId, messages, last_at: lastAt.toISOString() }
}

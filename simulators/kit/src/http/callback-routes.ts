import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { pageQuery } from '@caudal/http/page.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { Type } from 'typebox'
import { listCallbacks, type StoredCallback } from '../callbacks/callback-table.ts'
import { addSequenceList } from './add-sequence-list.ts'

/** Where callbacks go: an address, or null for none. */
export const CallbackUrl = Type.Union([
  Type.String({
    pattern: '^https?://[^\\u0000-\\u0020\\u007f]{1,500}$',
    description: 'a URL that starts with http:// or https://',
  }),
  Type.Null(),
])

const Query = Type.Object({
  ...pageQuery.properties,
  limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
  subject_id: Type.Optional(Uuid),
})
const Item = Type.Object({
  callback_id: Type.String(),
  subject_id: Uuid,
  body: Type.String(),
  attempts: Type.Integer(),
  due_at: Type.String(),
  delivered_at: Type.Union([Type.String(), Type.Null()]),
})

/** Adds the list of callbacks, with what became of each. */
export function addCallbackList(
  app: HttpServer,
  { db, cursors }: { db: Db; cursors: Cursors },
): void {
  addSequenceList<StoredCallback>(app, '/admin/callbacks/sent', {
    cursors,
    query: Query,
    item: Item,
    list: ({ subject_id: subjectId = null }, page) => listCallbacks(db, { subjectId, ...page }),
    positionOf: ({ callbackId }) => callbackId,
    show,
  })
}

function show(callback: StoredCallback) {
  return {
    callback_id: String(callback.callbackId),
    subject_id: callback.subjectId,
    body: callback.body,
    attempts: callback.attempts,
    due_at: callback.dueAt.toISOString(),
    delivered_at: callback.deliveredAt?.toISOString() ?? null,
  }
}

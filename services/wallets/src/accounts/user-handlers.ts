import { type Handlers, Unprocessable } from '@caudal/event-log/router.ts'
import type { Work } from '../ledger/origin.ts'
import { openingOf } from './open-account.ts'
import { readUserCreated } from './read-user-created.ts'

/** New users get accounts (P4). */
export const userHandlers: Handlers<Work> = {
  'user.created': ({ event }) => {
    const read = readUserCreated(event)
    if ('cause' in read) return new Unprocessable(read.cause)
    const command = openingOf(read.accounts, { tenantId: event.tenant_id, actor: event.actor })
    return { command, origin: { traceparent: undefined } }
  },
}

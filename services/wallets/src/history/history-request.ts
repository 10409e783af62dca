import { isUuid } from '@caudal/contracts/ids.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import { Problem } from '@caudal/http/problem.ts'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { AccountDetails, Detached } from './history.ts'

export type FindAccount = (name: {
  tenantId: string
  accountId: string
}) => Promise<AccountDetails | undefined>

/** The account of the caller's tenant that the address names. @throws {Problem} if there is none */
export async function accountOf(
  { findAccount }: { findAccount: FindAccount },
  request: FastifyRequest,
): Promise<AccountDetails> {
  const accountId = idIn(request, 'account_id')
  const { tenantId } = identityOf(request)
  const found = isUuid(accountId) ? await findAccount({ tenantId, accountId }) : undefined
  if (found === undefined) throw new Problem('ACCOUNT_NOT_FOUND')
  return found
}

/** An id in the address, in lower case; it need not be one. */
export function idIn(request: FastifyRequest, param: string): string {
  return String((request.params as Record<string, unknown>)[param]).toLowerCase()
}

/** For the description of routes that answer so. */
export const mayBeDetached = {
  problems: ['HISTORY_DETACHED'],
  problemMembers: {
    HISTORY_DETACHED: {
      kept_from: Type.String({ format: 'date-time' }),
      value_dates_after: Type.String({ format: 'date' }),
    },
  },
} as const

/** The problem for a time before the available history. */
export function detached({ kept }: Detached): Problem {
  const from = kept.from.toISOString()
  const detail = `the books begin with ${from}, by value date after ${kept.valueDay}`
  return new Problem('HISTORY_DETACHED', detail, {
    members: { kept_from: from, value_dates_after: kept.valueDay },
  })
}

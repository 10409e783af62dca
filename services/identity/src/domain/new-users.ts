import type { NewUser } from './user.ts'

/** A user of a batch, with the place of the request that names it first. */
export type NamedUser = { user: NewUser; request: number }

/** The unique key of a user as a text: its tenant and id. */
export function userKeyOf({ tenantId, userId }: Pick<NewUser, 'tenantId' | 'userId'>): string {
  return `${tenantId} ${userId}`
}

/** The users that a batch of requests names, each as it is named first: the others are repeats. */
export function namedUsers(requests: readonly (readonly NewUser[])[]): Map<string, NamedUser> {
  const named = new Map<string, NamedUser>()
  for (const [request, users] of requests.entries()) {
    for (const user of users) {
      const key = userKeyOf(user)
      if (!named.has(key)) named.set(key, { user, request })
    }
  }
  return named
}

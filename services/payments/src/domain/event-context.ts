/** What a decision takes from outside: the time behind the locks, the region, fresh ids. */
export interface EventContext {
  now: Date
  region: string
  mintId: () => string
}

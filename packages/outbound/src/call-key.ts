/** For whom a call is made, and whom it reaches behind the peer. */
export interface CallKey {
  tenant: string
  /** What can fail by itself behind the peer, such as the bank that receives a payment. */
  destination: string
}

/** One text for each key. */
export function nameOf({ tenant, destination }: CallKey): string {
  return `${tenant}\u0000${destination}`
}

/** The tenant for which a call is made and the destination behind the peer that it reaches. */
export interface CallKey {
  tenant: string
  /** What can fail by itself behind the peer, such as the bank that receives a payment. */
  destination: string
}

/** A key as one text, for maps. */
export function nameOf({ tenant, destination }: CallKey): string {
  return `${tenant}\u0000${destination}`
}

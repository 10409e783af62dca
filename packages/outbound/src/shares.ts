import { type CallKey, nameOf } from './call-key.ts'

/**
 * The places of one peer, shared by those who call it. A call may begin while its key holds fewer
 * places than seven times those that it would leave free, and its tenant fewer than fifteen times.
 * So one key has seven eighths of the places when it is alone, and its next places belong to
 * others: the more of them call, the less each has.
 */
export interface Shares {
  readonly most: number
  /** Below 0 where more were taken than there are. */
  readonly free: number
  take(key?: CallKey): void
  release(key?: CallKey): void
  /** How many further calls of the key may begin, if no other does. */
  roomOf(key: CallKey): number
  /** The same for all keys of a tenant together. */
  roomOfTenant(tenant: string): number
  /** Of a key and a tenant that hold no place. */
  roomOfNew(): number
  /** Admits calls one by one, as if those that it admitted before had begun. */
  plan(): (key: CallKey) => boolean
  /** The keys that hold places. */
  keys(): Iterable<CallKey>
}

const KEY_FACTOR = 7
const TENANT_FACTOR = 15

/** Creates places that are all free. */
export function createShares(most: number): Shares {
  const keys = new Map<string, { key: CallKey; held: number }>()
  const tenants = new Map<string, number>()
  let free = most
  const heldBy = (key: CallKey): number => keys.get(nameOf(key))?.held ?? 0
  const roomOfTenant = (tenant: string): number =>
    roomBeside(tenants.get(tenant) ?? 0, free, TENANT_FACTOR)

  function add(key: CallKey, count: number): void {
    const held = heldBy(key) + count
    const ofTenant = (tenants.get(key.tenant) ?? 0) + count
    if (held > 0) keys.set(nameOf(key), { key, held })
    else keys.delete(nameOf(key))
    if (ofTenant > 0) tenants.set(key.tenant, ofTenant)
    else tenants.delete(key.tenant)
  }

  return {
    most,
    get free() {
      return free
    },
    take(key) {
      free -= 1
      if (key) add(key, 1)
    },
    release(key) {
      free += 1
      if (key) add(key, -1)
    },
    roomOf: (key) => Math.min(roomBeside(heldBy(key), free, KEY_FACTOR), roomOfTenant(key.tenant)),
    roomOfTenant,
    roomOfNew: () => roomBeside(0, free, KEY_FACTOR),
    plan() {
      const planned = new Map<string, number>()
      let left = free
      const plannedOf = (name: string): number => planned.get(name) ?? 0
      return (key) => {
        const name = nameOf(key)
        const held = heldBy(key) + plannedOf(name)
        const ofTenant = (tenants.get(key.tenant) ?? 0) + plannedOf(key.tenant)
        const fits =
          roomBeside(held, left, KEY_FACTOR) > 0 && roomBeside(ofTenant, left, TENANT_FACTOR) > 0
        if (!fits) return false
        planned.set(name, plannedOf(name) + 1)
        planned.set(key.tenant, plannedOf(key.tenant) + 1)
        left -= 1
        return true
      }
    },
    *keys() {
      for (const { key } of keys.values()) yield key
    },
  }
}

/** How many more places one may take that holds so many: the first one is free to everyone. */
function roomBeside(held: number, free: number, factor: number): number {
  if (free <= 0) return 0
  const room = Math.ceil((factor * (free - 1) - held) / (factor + 1))
  return Math.max(held === 0 ? 1 : 0, room)
}

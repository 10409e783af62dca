import { createBatcher } from '@caudal/batching/create-batcher.ts'
import type { DeviceOutcome } from '../domain/decide-delivery.ts'
import { type RecipientLookup, removeDevices } from '../identity/look-up-recipients.ts'
import type { Observer } from './observe.ts'

export type DeviceRemover = {
  /** Removes dead devices at identity; never throws. */
  removeDead(tenantId: string, devices: readonly DeviceOutcome[]): Promise<void>
}

type DeadDevice = { tenantId: string; token: string }

const BATCH = 500

/**
 * Removes dead devices at identity (P6), batched to one call per tenant. A device that could not be
 * removed is found dead again by the next notification to it, and removed then.
 */
export function createDeviceRemover(deps: {
  lookup: RecipientLookup
  observer: Observer
}): DeviceRemover {
  const { lookup, observer } = deps
  const removeTenant = async (tenantId: string, dead: readonly DeadDevice[]): Promise<void> => {
    const tokens = [...new Set(dead.map(({ token }) => token))]
    try {
      await removeDevices(lookup, tenantId, tokens)
      observer.devicesRemoved(tenantId, tokens.length)
    } catch (error) {
      observer.removalFailed(error, tenantId, tokens.length)
    }
  }
  const removals = createBatcher<DeadDevice, void>({
    maxBatch: BATCH,
    turnOf: ({ tenantId }) => tenantId,
    process: async (dead) => {
      const tenants = Map.groupBy(dead, ({ tenantId }) => tenantId)
      await Promise.all([...tenants].map(([tenantId, own]) => removeTenant(tenantId, own)))
      return dead.map(() => undefined)
    },
  })
  return {
    async removeDead(tenantId, devices) {
      const dead = devices.filter(({ outcome }) => outcome.kind === 'dead_device')
      const submitted = dead.map(({ device: { token } }) => removals.submit({ tenantId, token }))
      for (const removed of await Promise.allSettled(submitted)) {
        if (removed.status === 'rejected') observer.removalFailed(removed.reason, tenantId, 1)
      }
    },
  }
}

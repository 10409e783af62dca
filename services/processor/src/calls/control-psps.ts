import type { Db } from '@caudal/postgres/types.ts'
import type { Config } from '../config.ts'
import type { ShownPsp } from '../domain/psp-state.ts'
import { tenantsOf } from '../domain/route.ts'
import {
  listStateChanges,
  type RecordedChange,
  setPspState,
  type StateChange,
} from '../store/psp-states.ts'
import type { PspStates } from './psp-states.ts'

/** The PSPs for operators. */
export type PspControl = {
  list(): Promise<ShownPsp[]>
  /** Null if no PSP has the name. */
  setState(change: StateChange): Promise<ShownPsp | null>
  /** Changes before the position, the newest first. Null if no PSP has the name. */
  changes(
    psp: string,
    page: { before: bigint | null; limit: number },
  ): Promise<RecordedChange[] | null>
}

/** Shows the configured PSPs and changes their states. */
export function createPspControl(db: Db, config: Config, states: PspStates): PspControl {
  const shown = (): ShownPsp[] =>
    config.psps.map(({ name: psp, adapter, callbacks }) => ({
      psp,
      adapter,
      accounts: [...callbacks.accounts.keys()],
      state: states.of(psp),
      tenants: tenantsOf(config.routes, psp, psp === config.psp.name),
    }))
  const isKnown = (psp: string): boolean => config.psps.some(({ name }) => name === psp)
  return {
    async list() {
      await states.refresh()
      return shown()
    },
    async setState(change) {
      if (!isKnown(change.psp)) return null
      await setPspState(db, change)
      await states.refresh()
      return shown().find(({ psp }) => psp === change.psp) ?? null
    },
    changes: async (psp, page) => (isKnown(psp) ? listStateChanges(db, { psp, ...page }) : null),
  }
}

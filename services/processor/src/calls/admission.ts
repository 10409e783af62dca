import { type CallKey, nameOf } from '@caudal/outbound/call-key.ts'
import { admittedBy } from '@caudal/outbound/circuit.ts'
import type { Circuits } from '@caudal/outbound/create-circuits.ts'
import type { Shares } from '@caudal/outbound/shares.ts'
import type { Admission } from '../domain/decide-due.ts'
import type { HeldOperations, TurnLimits } from '../store/claim-due.ts'
import type { PspCallResult } from './call-psp.ts'

/** Which payment requests may leave: by the circuit of their key and its share of the places. */
export interface Gate {
  /** An admission for a payment of each key, in order, as if the admitted ones before had begun. */
  admit(keys: readonly CallKey[]): Admission[]
  /** How many due payments may be claimed to be sent. */
  sendLimits(): TurnLimits
  /** The payments that an open circuit holds back. */
  held(): HeldOperations
}

export interface GateOptions {
  circuits: Circuits<PspCallResult>
  shares: () => Shares
  /** How long a due payment waits for an open circuit. */
  waitMs: number
}

type CircuitModes = Pick<Circuits<PspCallResult>, 'known' | 'modeOf' | 'modeOfNew'>

const MOST_CLAIMED = 500
const NO_CIRCUITS: CircuitModes = {
  known: () => [],
  modeOf: () => 'closed',
  modeOfNew: () => 'closed',
}

/** Creates the gate before the PSP. */
export function createGate({ circuits, shares, waitMs }: GateOptions): Gate {
  const isPeerClosed = (tenant: string): boolean => circuits.modeOf(tenant) === 'closed'

  return {
    admit(keys) {
      const fits = shares().plan()
      const trials = new Set<string>()
      return keys.map((key) => {
        const mode = circuits.of(key).mode()
        if (mode === 'open') return 'circuit_open'
        if (mode === 'trying') return 'wait'
        if (mode === 'half_open') {
          // The whole PSP admits one trial of each tenant.
          const trial = isPeerClosed(key.tenant) ? nameOf(key) : key.tenant
          if (trials.has(trial)) return 'wait'
          trials.add(trial)
        }
        return fits(key) ? 'send' : 'wait'
      })
    },
    sendLimits: () => turnLimits(shares(), circuits),
    held() {
      const keys: CallKey[] = []
      for (const circuit of circuits.known()) {
        if (circuit.mode() === 'open') keys.push(circuit.key)
      }
      return { waitMs, all: circuits.modeOfNew() === 'open', keys }
    },
  }
}

/** How many status queries may be claimed: by the shares of their own places. */
export function queryLimits(shares: Shares): TurnLimits {
  return turnLimits(shares, NO_CIRCUITS)
}

/** Lists each key that holds places or whose circuit is not closed, and the tenants of those. */
function turnLimits(shares: Shares, circuits: CircuitModes): TurnLimits {
  const keys = new Map<string, { key: CallKey; most: number }>()
  for (const key of shares.keys()) keys.set(nameOf(key), { key, most: shares.roomOf(key) })
  for (const circuit of circuits.known()) {
    const { key } = circuit
    const mode = circuit.mode()
    if (mode === 'closed') continue
    keys.set(nameOf(key), { key, most: admittedBy(mode, shares.roomOf(key)) })
  }
  const tenants = new Set([...keys.values()].map(({ key }) => key.tenant))
  const ofOthers = admittedBy(circuits.modeOfNew(), shares.roomOfNew())
  return {
    total: Math.min(MOST_CLAIMED, Math.max(0, shares.free)),
    ofKey: ofOthers,
    ofTenant: ofOthers,
    keys: [...keys.values()],
    tenants: [...tenants].map((tenant) => ({
      tenant,
      most: admittedBy(circuits.modeOf(tenant), shares.roomOfTenant(tenant)),
    })),
  }
}

import type { CircuitMode } from '@caudal/outbound/breaker.ts'
import { type CallKey, nameOf } from '@caudal/outbound/call-key.ts'
import { admittedBy } from '@caudal/outbound/circuit.ts'
import type { Circuits } from '@caudal/outbound/create-circuits.ts'
import type { Shares } from '@caudal/outbound/shares.ts'
import type { Admission } from '../domain/decide-due.ts'
import type { HeldPayments, TurnLimits } from '../store/claim-due.ts'
import type { CallResult } from './call-psp.ts'

/** Which payment requests may leave: by the circuit of their key and its share of the places. */
export interface Gate {
  /** An admission for a payment of each key, in order, as if the admitted ones before had begun. */
  admit(keys: readonly CallKey[]): Admission[]
  /** How many due payments may be claimed to be sent. */
  sendLimits(): TurnLimits
  /** The payments that an open circuit holds back. */
  held(): HeldPayments
}

export interface GateOptions {
  circuits: Circuits<CallResult>
  shares: () => Shares
  /** How long a due payment waits for an open circuit. */
  waitMs: number
}

const MOST_CLAIMED = 500

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
    sendLimits() {
      const whole = shares()
      const keys = new Map<string, { key: CallKey; most: number }>()
      for (const key of whole.keys()) keys.set(nameOf(key), { key, most: whole.roomOf(key) })
      for (const circuit of circuits.known()) {
        const { key } = circuit
        const mode = circuit.mode()
        if (mode === 'closed') continue
        keys.set(nameOf(key), { key, most: admittedBy(mode, whole.roomOf(key)) })
      }
      const tenants = new Set([...keys.values()].map(({ key }) => key.tenant))
      const ofTenant = (tenant: string, mode: CircuitMode): number =>
        admittedBy(mode, whole.roomOfTenant(tenant))
      return {
        ...limitsOfNew(whole, circuits.modeOfNew()),
        keys: [...keys.values()],
        tenants: [...tenants].map((tenant) => ({
          tenant,
          most: ofTenant(tenant, circuits.modeOf(tenant)),
        })),
      }
    },
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
  const keys = [...shares.keys()].map((key) => ({ key, most: shares.roomOf(key) }))
  const tenants = new Set(keys.map(({ key }) => key.tenant))
  return {
    ...limitsOfNew(shares, 'closed'),
    keys,
    tenants: [...tenants].map((tenant) => ({ tenant, most: shares.roomOfTenant(tenant) })),
  }
}

/** Of keys and tenants that hold no places. */
function limitsOfNew(
  shares: Shares,
  mode: CircuitMode,
): Pick<TurnLimits, 'total' | 'ofKey' | 'ofTenant'> {
  const most = admittedBy(mode, shares.roomOfNew())
  return { total: Math.min(MOST_CLAIMED, Math.max(0, shares.free)), ofKey: most, ofTenant: most }
}

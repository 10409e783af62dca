import { admittedBy, type CircuitMode } from '@caudal/outbound/circuit.ts'
import type { Admission } from '../domain/decide-due.ts'

/** Who may send now: as many as calls are free, one while the circuit is half-open, else none. */
export type Gate = {
  /** How many payments may be taken; while the circuit is open, they are taken to fail at once. */
  wanted: () => number
  /** An admission for each of `count` payments, in order. */
  admit: (count: number) => Admission[]
}

const MOST_WANTED = 500

/** Creates the gate before the PSP; `free` is the number of calls that may begin. */
export function createGate(mode: () => CircuitMode, free: () => number): Gate {
  const sendable = (): number => admittedBy(mode(), free())
  return {
    wanted: () => (mode() === 'open' ? MOST_WANTED : Math.min(MOST_WANTED, sendable())),
    admit(count) {
      const refusal = mode() === 'open' ? 'circuit_open' : 'wait'
      const first = sendable()
      return Array.from({ length: count }, (_, index) => (index < first ? 'send' : refusal))
    },
  }
}

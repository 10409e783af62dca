import type { Admission } from '../domain/decide-due.ts'
import type { Circuit } from '../psp/circuit.ts'

/** Who may send now: as many as calls are free, one while the circuit tries, none while open. */
export type Gate = {
  /** How many payments with a request to send are wanted; open, they are wanted to fail at once. */
  wanted: () => number
  /** An admission for each of `count` payments, in order. */
  admit: (count: number) => Admission[]
}

const MOST_WANTED = 500

/** A gate before the PSP; `free` is the number of calls that may begin. */
export function createGate(circuit: Circuit, free: () => number): Gate {
  const sendable = (): number => {
    const mode = circuit.mode()
    switch (mode) {
      case 'closed':
        return Math.max(0, free())
      case 'half_open':
        return Math.min(1, Math.max(0, free()))
      case 'trying':
      case 'open':
        return 0
      default:
        return mode satisfies never
    }
  }
  return {
    wanted: () => (circuit.mode() === 'open' ? MOST_WANTED : Math.min(MOST_WANTED, sendable())),
    admit(count) {
      const refusal = circuit.mode() === 'open' ? 'circuit_open' : 'wait'
      const first = sendable()
      return Array.from({ length: count }, (_, index) => (index < first ? 'send' : refusal))
    },
  }
}

import { type Breaker, type CircuitMode, createBreaker } from './breaker.ts'
import { type CallKey, nameOf } from './call-key.ts'
import { type Circuit, type CircuitSettings, counted, opens } from './circuit.ts'
import { createFailureWindow, type FailureWindow } from './failure-window.ts'
import { isPeerFailing } from './is-peer-failing.ts'

export interface CircuitsOptions<R> extends CircuitSettings {
  /** Whether the result means that the destination is unavailable. A call that rejects does. */
  isFailure: (result: R) => boolean
  /** A circuit changed: of a tenant and destination, or of the whole peer (null). */
  onChange?: (mode: CircuitMode, key: CallKey | null) => void
  /** The most circuits that are kept; the one that was used longest ago is forgotten. */
  mostKeys?: number
}

/** The circuit of the calls of one key, together with that of the whole peer. */
export interface KeyCircuit<R> extends Circuit<R> {
  readonly key: CallKey
}

/** The circuits of one peer: one for each tenant and destination, and one for all of it. */
export interface Circuits<R> {
  /** Of the whole peer; open too where every circuit that was used lately is open. */
  mode(): CircuitMode
  /** Of the whole peer for this tenant, which has trials of its own. */
  modeOf(tenant: string): CircuitMode
  /** Of the whole peer for a tenant that was not called lately. */
  modeOfNew(): CircuitMode
  of(key: CallKey): KeyCircuit<R>
  /** The circuits that were used lately. */
  known(): Iterable<KeyCircuit<R>>
}

interface Known<R> {
  circuit: KeyCircuit<R>
  breaker: Breaker
  window: FailureWindow
}

type KnownKeys<R> = Map<string, Known<R>>

const MOST_KEYS = 1_024

/**
 * Creates circuits that open for one tenant and destination alone, so that a destination that fails
 * stops nothing else. When most of what was called lately fails, the whole peer's opens; after its
 * pause each tenant has one trial, and the first success closes it (ADR 0028).
 */
export function createCircuits<R>(options: CircuitsOptions<R>): Circuits<R> {
  const { windowMs, pauseMs, mostKeys = MOST_KEYS, isFailure } = options
  const onChange = options.onChange ?? ((): void => {})
  const keys: KnownKeys<R> = new Map()
  const all = createFailureWindow(windowMs)
  const peer = createPeerBreaker(pauseMs, (mode) => onChange(mode, null))

  function create(key: CallKey): Known<R> {
    const breaker = createBreaker(pauseMs, (mode) => onChange(mode, key))
    const window = createFailureWindow(windowMs)
    const mode = (): CircuitMode => worse(breaker.mode(), peer.modeOf(key.tenant))
    const circuit: KeyCircuit<R> = {
      key,
      mode,
      async run(call, refused) {
        const now = mode()
        if (now === 'open' || now === 'trying') return refused()
        const begun = breaker.begin() ?? 'call'
        const endAtPeer = peer.begin(key.tenant)
        return counted(call, isFailure, (failed) => {
          for (const one of [window, all]) one.add(failed)
          if (begun === 'trial' && !failed) window.clear()
          breaker.end(begun, failed)
          if (endAtPeer?.(failed) === true) all.clear()
          if (failed) openWhatFails(breaker, window)
        })
      },
    }
    return { circuit, breaker, window }
  }

  function openWhatFails(breaker: Breaker, window: FailureWindow): void {
    if (breaker.mode() === 'closed' && opens(options, window.counts())) breaker.open()
    if (peer.isOpen() || !opens(options, all.counts())) return
    const parts = [...keys.values()].map((known) => ({
      key: known.circuit.key,
      isClosed: known.breaker.mode() === 'closed',
      counts: known.window.counts(),
    }))
    if (isPeerFailing(parts, options.threshold)) peer.open()
  }

  return {
    mode: () => (peer.isOpen() ? peer.mode() : modeOfAll(keys.values())),
    modeOf: peer.modeOf,
    modeOfNew: peer.modeOfNew,
    of(key) {
      const name = nameOf(key)
      let known = keys.get(name)
      if (known) keys.delete(name)
      else {
        if (keys.size >= mostKeys) forgetOne(keys)
        known = create(key)
      }
      keys.set(name, known)
      return known.circuit
    },
    *known() {
      for (const { circuit } of keys.values()) yield circuit
    },
  }
}

/** Forgets the circuit that was used longest ago, a closed one if there is any. */
function forgetOne(keys: KnownKeys<unknown>): void {
  const [oldest] = keys.keys()
  for (const [name, { breaker }] of keys) {
    if (breaker.mode() !== 'closed') continue
    keys.delete(name)
    return
  }
  if (oldest !== undefined) keys.delete(oldest)
}

/** `closed` while any part that was called lately is; else that of the part that is next to try. */
function modeOfAll(known: Iterable<Known<unknown>>): CircuitMode {
  const modes = new Set<CircuitMode>()
  for (const { breaker, window } of known) {
    const mode = breaker.mode()
    if (mode !== 'closed' || window.counts().calls > 0) modes.add(mode)
  }
  return ORDER.find((mode) => modes.has(mode)) ?? 'closed'
}

const ORDER = ['closed', 'trying', 'half_open', 'open'] as const

/** The mode of a call that two circuits have to admit. */
function worse(one: CircuitMode, other: CircuitMode): CircuitMode {
  for (const mode of ['open', 'trying', 'half_open'] as const) {
    if (one === mode || other === mode) return mode
  }
  return 'closed'
}

/** The breaker of the whole peer: while it is open, each tenant has a trial of its own. */
function createPeerBreaker(
  pauseMs: CircuitSettings['pauseMs'],
  onChange: (mode: CircuitMode) => void,
) {
  const whole = createBreaker(pauseMs, onChange)
  /** Of the tenants that have had a trial since the peer's breaker opened. */
  const trials = new Map<string, Breaker>()
  const modeOf = (tenant: string): CircuitMode => trials.get(tenant)?.mode() ?? whole.mode()

  function trialOf(tenant: string): Breaker {
    const known = trials.get(tenant)
    if (known) return known
    const trial = createBreaker(pauseMs, () => {})
    trial.open(0)
    trials.set(tenant, trial)
    return trial
  }

  return {
    isOpen: () => whole.mode() !== 'closed',
    mode: (): CircuitMode => {
      const isTrying = [...trials.values()].some((trial) => trial.mode() === 'trying')
      return isTrying ? 'trying' : whole.mode()
    },
    modeOf,
    modeOfNew: whole.mode,
    open: () => whole.open(),
    /**
     * Begins a call. Null unless it is a trial; otherwise a function that ends the trial and
     * returns whether that closed the peer's breaker.
     */
    begin(tenant: string): ((failed: boolean) => boolean) | null {
      if (modeOf(tenant) !== 'half_open') return null
      const trial = trialOf(tenant)
      const begun = trial.begin() ?? 'call'
      return (failed) => {
        trial.end(begun, failed)
        // Another tenant's trial may have closed it, and it may have opened again since.
        if (failed || trials.get(tenant) !== trial) return false
        trials.clear()
        whole.close()
        return true
      }
    },
  }
}

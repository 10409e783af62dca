/** What the simulator does with a request. PUT /admin/behaviour names it by its text form. */
export type Behaviour =
  | { kind: PlainBehaviour }
  | { kind: 'slow'; delayMs: number }
  | { kind: 'random'; share: number }

const PLAIN_BEHAVIOURS = [
  'approve',
  'decline',
  'error_500',
  'error_500_once',
  'error_500_twice',
  'hang',
  'apply_then_hang',
  'apply_then_reset',
  'reset',
  'garbage',
  'rate_limit_once',
  'wrong_amount',
  'wrong_currency',
  'no_transaction_id',
  'repeated_transaction_id',
  'duplicate_members',
] as const

/** A behaviour without a parameter. */
export type PlainBehaviour = (typeof PLAIN_BEHAVIOURS)[number]

/** Matches every behaviour's text: `slow:<ms>` up to 999,999 ms, `random:<share>` from 0 to 1. */
export const BEHAVIOUR_PATTERN = [
  `^(${PLAIN_BEHAVIOURS.join('|')}`,
  'slow:\\d{1,6}',
  'random:(0(\\.\\d{1,9})?|1(\\.0{1,9})?))$',
].join('|')

const TEXT = new RegExp(BEHAVIOUR_PATTERN)
const PLAIN = new Set<string>(PLAIN_BEHAVIOURS)

/** Parses the text of a behaviour; null if there is no such behaviour. */
export function parseBehaviour(text: string): Behaviour | null {
  if (!TEXT.test(text)) return null
  if (PLAIN.has(text)) return { kind: text as PlainBehaviour }
  const [kind, parameter] = text.split(':')
  const value = Number(parameter)
  return kind === 'slow' ? { kind, delayMs: value } : { kind: 'random', share: value }
}

/** Formats a behaviour as the text that `parseBehaviour` reads. */
export function formatBehaviour(behaviour: Behaviour): string {
  switch (behaviour.kind) {
    case 'slow':
      return `slow:${behaviour.delayMs}`
    case 'random':
      return `random:${behaviour.share}`
    default:
      return behaviour.kind
  }
}

const RANDOM_SLOW_MS = 500
const FAULTS: readonly Behaviour[] = [
  ...PLAIN_BEHAVIOURS.filter((kind) => kind !== 'approve').map((kind) => ({ kind })),
  { kind: 'slow', delayMs: RANDOM_SLOW_MS },
]

/**
 * Resolves a `random` behaviour for one request: its share of requests gets one of the faults, all
 * equally likely; the rest are approved. Any other behaviour is returned unchanged and draws no
 * random number. `random` returns numbers in [0, 1).
 */
export function resolveBehaviour(
  behaviour: Behaviour,
  random: () => number,
): Exclude<Behaviour, { kind: 'random' }> {
  if (behaviour.kind !== 'random') return behaviour
  if (random() >= behaviour.share) return { kind: 'approve' }
  const fault = FAULTS[Math.floor(random() * FAULTS.length)]
  return fault !== undefined && fault.kind !== 'random' ? fault : { kind: 'approve' }
}

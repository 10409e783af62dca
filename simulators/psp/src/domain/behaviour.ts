/** What the simulator does with a request; the texts are those of PUT /admin/behaviour. */
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
] as const

export type PlainBehaviour = (typeof PLAIN_BEHAVIOURS)[number]

/** Every behaviour as text: `slow:<ms>` goes to 999,999 ms, `random:<share>` from 0 to 1. */
export const BEHAVIOUR_PATTERN = [
  `^(${PLAIN_BEHAVIOURS.join('|')}`,
  'slow:\\d{1,6}',
  'random:(0(\\.\\d{1,9})?|1(\\.0{1,9})?))$',
].join('|')

const TEXT = new RegExp(BEHAVIOUR_PATTERN)
const PLAIN = new Set<string>(PLAIN_BEHAVIOURS)

/** Reads the text of a behaviour; null when there is no such behaviour. */
export function parseBehaviour(text: string): Behaviour | null {
  if (!TEXT.test(text)) return null
  if (PLAIN.has(text)) return { kind: text as PlainBehaviour }
  const [kind, parameter] = text.split(':')
  const value = Number(parameter)
  return kind === 'slow' ? { kind, delayMs: value } : { kind: 'random', share: value }
}

/** The text that `parseBehaviour` reads. */
export function behaviourText(behaviour: Behaviour): string {
  switch (behaviour.kind) {
    case 'slow':
      return `slow:${behaviour.delayMs}`
    case 'random':
      return `random:${behaviour.share}`
    default:
      return behaviour.kind
  }
}

const SLOW_AT_RANDOM_MS = 500
const MISHAPS: readonly Behaviour[] = [
  ...PLAIN_BEHAVIOURS.filter((kind) => kind !== 'approve').map((kind) => ({ kind })),
  { kind: 'slow', delayMs: SLOW_AT_RANDOM_MS },
]

/**
 * Settles a `random` behaviour for one request: its share of requests gets one of the others, each
 * as likely, the rest is approved. Any other behaviour is returned as it is and draws nothing.
 * `random` gives numbers from 0 up to, not including, 1.
 */
export function settleBehaviour(
  behaviour: Behaviour,
  random: () => number,
): Exclude<Behaviour, { kind: 'random' }> {
  if (behaviour.kind !== 'random') return behaviour
  if (random() >= behaviour.share) return { kind: 'approve' }
  const mishap = MISHAPS[Math.floor(random() * MISHAPS.length)]
  return mishap !== undefined && mishap.kind !== 'random' ? mishap : { kind: 'approve' }
}

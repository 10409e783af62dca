/** What a simulator does with a request. PUT /admin/behaviour names it by its text form. */
export type Behaviour =
  | { kind: PlainBehaviour }
  | { kind: 'slow' | 'callback_late'; delayMs: number }
  | { kind: 'random' | 'random_callbacks'; share: number }

/** A behaviour of one request: nothing about it is left to chance. */
export type ChosenBehaviour = Exclude<Behaviour, { kind: 'random' | 'random_callbacks' }>

/** Faults of verdicts and answers. The order fixes what a seed draws. */
const ANSWER_BEHAVIOURS = [
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

const CALLBACK_BEHAVIOURS = [
  'callback_before_answer',
  'callback_twice',
  'callback_never',
  'callback_wrong_amount',
  'reverse_after_success',
  'contradict',
] as const

const PLAIN_BEHAVIOURS = [...ANSWER_BEHAVIOURS, ...CALLBACK_BEHAVIOURS, 'forget_keys'] as const

/** A behaviour without a parameter. */
export type PlainBehaviour = (typeof PLAIN_BEHAVIOURS)[number]

/** Matches every behaviour's text: a time of up to 999,999 ms, a share from 0 to 1. */
export const BEHAVIOUR_PATTERN = [
  `^(${PLAIN_BEHAVIOURS.join('|')}`,
  '(slow|callback_late):\\d{1,6}',
  '(random|random_callbacks):(0(\\.\\d{1,9})?|1(\\.0{1,9})?))$',
].join('|')

const TEXT = new RegExp(BEHAVIOUR_PATTERN)
const PLAIN = new Set<string>(PLAIN_BEHAVIOURS)

/** Parses the text of a behaviour; null if there is no such behaviour. */
export function parseBehaviour(text: string): Behaviour | null {
  if (!TEXT.test(text)) return null
  if (PLAIN.has(text)) return { kind: text as PlainBehaviour }
  const [kind, parameter] = text.split(':')
  const value = Number(parameter)
  if (kind === 'slow' || kind === 'callback_late') return { kind, delayMs: value }
  return { kind: kind as 'random' | 'random_callbacks', share: value }
}

/** Formats a behaviour as the text that `parseBehaviour` reads. */
export function formatBehaviour(behaviour: Behaviour): string {
  if ('delayMs' in behaviour) return `${behaviour.kind}:${behaviour.delayMs}`
  if ('share' in behaviour) return `${behaviour.kind}:${behaviour.share}`
  return behaviour.kind
}

const RANDOM_DELAY_MS = 500
const DRAWN: Readonly<Record<'random' | 'random_callbacks', readonly ChosenBehaviour[]>> = {
  random: [
    ...ANSWER_BEHAVIOURS.filter((kind) => kind !== 'approve').map((kind) => ({ kind })),
    { kind: 'slow', delayMs: RANDOM_DELAY_MS },
  ],
  random_callbacks: [
    ...CALLBACK_BEHAVIOURS.map((kind) => ({ kind })),
    { kind: 'callback_late', delayMs: RANDOM_DELAY_MS },
  ],
}

/**
 * Resolves `random` and `random_callbacks` for one request: their share of requests gets one of the
 * faults, all equally likely; the rest are approved. Any other behaviour is returned unchanged and
 * draws no random number. `random` returns numbers in [0, 1).
 */
export function resolveBehaviour(behaviour: Behaviour, random: () => number): ChosenBehaviour {
  if (!('share' in behaviour)) return behaviour
  if (random() >= behaviour.share) return { kind: 'approve' }
  const faults = DRAWN[behaviour.kind]
  return faults[Math.floor(random() * faults.length)] ?? { kind: 'approve' }
}

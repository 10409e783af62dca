/** What the simulator does with a push. PUT /admin/behaviour names it by its text form. */
export type Behaviour =
  | { kind: 'ok' | 'unregistered' | 'error_500_once' }
  | { kind: 'slow'; delayMs: number }

/** Matches every behaviour's text; `slow:<ms>` up to 999,999 ms. */
export const BEHAVIOUR_PATTERN = '^(ok|unregistered|error_500_once|slow:\\d{1,6})$'

const TEXT = new RegExp(BEHAVIOUR_PATTERN)

/** Parses the text of a behaviour; null if there is no such behaviour. */
export function parseBehaviour(text: string): Behaviour | null {
  if (!TEXT.test(text)) return null
  if (text === 'ok' || text === 'unregistered' || text === 'error_500_once') return { kind: text }
  return { kind: 'slow', delayMs: Number(text.slice('slow:'.length)) }
}

/** What the simulator does with a push to a device; the texts are those of PUT /admin/behaviour. */
export type Behaviour =
  | { kind: 'ok' | 'unregistered' | 'error_500_once' }
  | { kind: 'slow'; delayMs: number }

/** Every behaviour as text; `slow:<ms>` goes to 999,999 ms. */
export const BEHAVIOUR_PATTERN = '^(ok|unregistered|error_500_once|slow:\\d{1,6})$'

const TEXT = new RegExp(BEHAVIOUR_PATTERN)

/** Reads the text of a behaviour; null when there is no such behaviour. */
export function parseBehaviour(text: string): Behaviour | null {
  if (!TEXT.test(text)) return null
  if (text === 'ok' || text === 'unregistered' || text === 'error_500_once') return { kind: text }
  return { kind: 'slow', delayMs: Number(text.slice('slow:'.length)) }
}

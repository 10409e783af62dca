/** The PSP where an event or a row names none: release 0.1.0 had only one (ADR 0019). */
export const DEFAULT_PSP = 'main'

/** The form of a PSP's name, which is part of its accounts' ids: no slash, no upper case. */
export const PSP_PATTERN = '^[a-z][a-z0-9_]{0,31}$'

const NAME = new RegExp(PSP_PATTERN)

/** Whether the text can be the name of a PSP. */
export function isPspName(text: string): boolean {
  return NAME.test(text)
}

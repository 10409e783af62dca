import { createAdapter } from '../src/psp/adapters.ts'

/** A PSP that promises all that the source document's PSP does. */
export const { capabilities } = createAdapter('syncbank', {})
/** The opposite. */
export const { capabilities: asyncCapabilities } = createAdapter('asyncbank', {})

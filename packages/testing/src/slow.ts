/** The options of a test of whole processes: a limit for one that hangs, on any machine. */
export const SLOW = { timeout: 900_000 }

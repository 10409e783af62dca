/**
 * The kinds of transfers of the ledger: one row each, with the release that posts it first. Event
 * types, API schemas and the ledger's own table of kinds derive from it.
 */
export const KIND_SINCE = {
  credit: '0.1.0',
  debit: '0.1.0',
  hold: '0.1.0',
  commit: '0.1.0',
  rollback: '0.1.0',
  transfer: '0.1.0',
  refund: '0.2.0',
  return: '0.2.0',
  recapture: '0.2.0',
} as const satisfies Record<string, `${number}.${number}.${number}`>

export type TransferKind = keyof typeof KIND_SINCE

/** The kinds, in the order of their rows. */
export const TRANSFER_KINDS = Object.keys(KIND_SINCE) as readonly TransferKind[]

/**
 * The kinds of transfers of the ledger: one entry each. Event types, API schemas and the ledger's
 * own table of kinds derive from it.
 */
export const TRANSFER_KINDS = ['credit', 'debit', 'hold', 'commit', 'rollback', 'transfer'] as const

export type TransferKind = (typeof TRANSFER_KINDS)[number]

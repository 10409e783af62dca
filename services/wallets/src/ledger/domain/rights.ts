/** What the scopes of a client's token allow beyond the kind of the command. */
export interface Rights {
  /** Ends holds of other clients, and reclassifies: it corrects on accounts of no original. */
  readonly admin: boolean
  /** Names accounts of the system. */
  readonly system: boolean
  /** Uses the overdraft that a wallet has. */
  readonly overdraft: boolean
}

/** The rights of what the ledger does by itself: for a payment, or at the end of a hold's time. */
export const LEDGER_RIGHTS: Rights = Object.freeze({ admin: true, system: true, overdraft: true })

export type AmountErrorCode =
  | 'AMOUNT_MALFORMED'
  | 'AMOUNT_TOO_LARGE'
  | 'AMOUNT_TOO_PRECISE'
  | 'UNKNOWN_CURRENCY'

/** Text that is not an amount of a currency; `code` says why. */
export class AmountError extends Error {
  readonly code: AmountErrorCode
  readonly retryable = false

  constructor(code: AmountErrorCode, message: string) {
    super(message)
    this.name = 'AmountError'
    this.code = code
  }
}

import { hash } from 'node:crypto'
import type { CommitBody, HoldBody, TransferBody } from './command-schemas.ts'
import type { CommandRequest } from './read-command.ts'

/**
 * Equal for equal requests, however their JSON was written: 64 hexadecimal digits. Optional members
 * are added only where they are present, so that the fingerprint of a request without them is the
 * same as before they existed.
 */
export function commandFingerprint(request: CommandRequest): string {
  const { kind, body } = request
  const parts: unknown[] = [kind, ...subjectOf(request), body.reason, body.reference_id]
  parts.push('hold_id' in body ? body.hold_id.toLowerCase() : null)
  const { value_date, expires_in_seconds, release_rest, corrects } = body as Partial<
    HoldBody & CommitBody & TransferBody
  >
  const options = {
    ...(value_date !== undefined && { value_date }),
    ...(expires_in_seconds !== undefined && { expires_in_seconds: `${expires_in_seconds}` }),
    ...(release_rest === true && { release_rest }),
    ...(corrects !== undefined && { corrects: corrects.toLowerCase() }),
  }
  if (Object.keys(options).length > 0) parts.push(options)
  return hash('sha256', JSON.stringify(parts), 'hex')
}

function subjectOf(request: CommandRequest): unknown[] {
  if ('accountId' in request) {
    const accountId = request.accountId.toLowerCase()
    if (request.form === 'status') return [accountId]
    const { minor_units, currency } = request.body.limit
    return [accountId, `${minor_units}`, currency]
  }
  const { body } = request
  if ('postings' in body) {
    return body.postings.map(({ account_id, system_account, amount }) => [
      account_id?.toLowerCase() ?? null,
      system_account ?? null,
      `${amount.minor_units}`,
      amount.currency,
    ])
  }
  const { account_id: accountId, amount } = body
  const money = amount === undefined ? null : [`${amount.minor_units}`, amount.currency]
  return [accountId.toLowerCase(), money]
}

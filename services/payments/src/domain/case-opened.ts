import type { Actor } from '@caudal/contracts/actor.ts'
import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { CaseOpened } from '@caudal/contracts/events/returns.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { CaseToOpen } from './case-to-open.ts'
import type { EventContext } from './event-context.ts'

/** The event of a case that is opened under this id. */
export function caseOpened(
  caseId: string,
  opened: CaseToOpen,
  { actor, context }: { actor: Actor; context: EventContext },
): CaseOpened {
  const { payment, amountMinor, currency } = opened
  const isMoney = amountMinor !== null && currency !== null
  return {
    event_id: context.mintId(),
    event_type: 'case.opened',
    timestamp: context.now.toISOString(),
    schema_version: schemaVersionOf('case.opened'),
    region: context.region,
    actor,
    tenant_id: opened.tenantId,
    account_id: opened.accountId,
    case_id: caseId,
    reason: opened.reason,
    subject: opened.subject,
    detail: opened.detail,
    ...(payment && { payment_id: payment.paymentId, user_id: payment.userId }),
    ...(isMoney && { amount: formatAmount(amountMinor, currency), currency }),
  }
}

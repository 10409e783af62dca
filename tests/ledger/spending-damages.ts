import type { Damage } from './row-damages.ts'
import { SAMPLE } from './sample-ledger.ts'

const { limited, counted, policy } = SAMPLE
const { clientId } = counted.key
const { tenantId } = limited

const CHECK = 'client_spending'
const OF_CLIENT = `^client ${clientId} of tenant ${tenantId} \\(USD\\): `

/** Damages of what clients with a maximum per day have spent. */
export const SPENDING_DAMAGES: readonly Damage[] = [
  {
    what: 'less spent than the transfers of the day move',
    sql: 'UPDATE client_spending SET spent_minor = spent_minor - 1',
    check: CHECK,
    says: new RegExp(`${OF_CLIENT}84 spent on \\S+, its transfers of that day move 85$`),
  },
  {
    what: 'more spent than the transfers of the day move',
    sql: 'UPDATE client_spending SET spent_minor = spent_minor + 1',
    check: CHECK,
    says: new RegExp(`${OF_CLIENT}86 spent on \\S+, its transfers of that day move 85$`),
  },
  {
    what: 'a day of spending that begins again',
    sql: 'UPDATE client_spending SET spent_minor = 0',
    check: CHECK,
    says: new RegExp(`${OF_CLIENT}0 spent on \\S+, its transfers of that day move 85$`),
  },
  {
    what: 'a deleted sum of a day',
    sql: 'DELETE FROM client_spending',
    check: CHECK,
    says: new RegExp(
      `${OF_CLIENT}transfer ${counted.transferId} moves 60 on \\S+, the last day counted is none$`,
    ),
  },
  {
    what: 'a sum of an earlier day than the transfers',
    sql: 'UPDATE client_spending SET day = day - 2, spent_minor = 0',
    check: CHECK,
    says: new RegExp(`${OF_CLIENT}transfer \\S+ moves 25 on \\S+, the last day counted is \\S+-`),
  },
  {
    what: 'spending of a client without transfers',
    sql: `INSERT INTO client_spending (day, spent_minor, tenant_id, client_id, currency)
          VALUES ('2026-01-31', 5, '${tenantId}', 'another', 'USD')`,
    check: CHECK,
    says: new RegExp(
      `^client another of tenant ${tenantId} \\(USD\\): 5 spent on 2026-01-31, its transfers of ` +
        'that day move 0$',
    ),
  },
  {
    what: 'a transfer that another amount of the day permitted',
    sql: `UPDATE transfers SET policy_version = NULL WHERE transfer_id = '${counted.transferId}'`,
    check: CHECK,
    says: new RegExp(`${OF_CLIENT}85 spent on \\S+, its transfers of that day move 25$`),
  },
  {
    what: 'a policy that is not recorded',
    sql: 'DELETE FROM client_policies',
    check: CHECK,
    says: new RegExp(
      `^transfer ${counted.transferId} of account ${limited.accountId} \\(USD\\): policy ` +
        `${policy.version} of client ${clientId} is not recorded$`,
    ),
  },
]

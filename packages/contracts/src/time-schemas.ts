import { Type } from 'typebox'

const OF_MONTH =
  '((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])' +
  '|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))'
const LEAP_OF_CENTURY = '(0[48]|[2468][048]|[13579][26])'
const LEAP_FROM_1970 = '19(7[26]|8[048]|9[26])'

/** Days of the calendar in some years, of which the leap years are named. */
function days(years: string, leapYears: string): string {
  return `((${years})-${OF_MONTH}|(${leapYears})-02-29)`
}

const DAYS_TO_2199 = days(
  '19[7-9][0-9]|2[01][0-9]{2}',
  `${LEAP_FROM_1970}|2[01]${LEAP_OF_CENTURY}|2000`,
)
const DAYS_TO_9998 = days(
  '19[7-9][0-9]|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8]',
  `${LEAP_FROM_1970}|[2-9][0-9]${LEAP_OF_CENTURY}|(2[048]|[3579][26]|[468][048])00`,
)
const TIME_OF_DAY =
  '[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?' +
  '([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])'

/** A value date of a request. */
export const ValueDate = Type.String({
  pattern: `^${DAYS_TO_2199}$`,
  maxLength: 10,
  description: 'a day from 1970-01-01 to 2199-12-31, YYYY-MM-DD',
})

/** A point in a history: a time of RFC 3339, or a day. */
export const TimeOrDay = Type.String({
  pattern: `^${DAYS_TO_9998}(${TIME_OF_DAY})?$`,
  maxLength: 35,
  description:
    'a time of RFC 3339 such as 2026-01-31T12:00:00Z (in an address "+" is %2B), or a day',
})

/** A time of RFC 3339 of any year that its clock can be read for. */
export const TimeOfRequest = Type.String({
  pattern: `^${DAYS_TO_9998}${TIME_OF_DAY}$`,
  maxLength: 35,
  description: 'a time of RFC 3339 such as 2026-01-31T12:00:00Z',
})

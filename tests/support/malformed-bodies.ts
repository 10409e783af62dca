import { randomUUID } from 'node:crypto'

/** Invalid bodies of `POST /api/v1/payments`, each with one mistake. */
export function malformedBodies(otherUserId: string): Record<string, string | Buffer> {
  const id = randomUUID()
  return {
    empty: '',
    blank: '  \r\n ',
    'half a document': '{"external_order_id": "',
    'two documents': `{"external_order_id":"${id}"}{}`,
    'a comma too much': `{"external_order_id":"${id}",}`,
    'single quotes': `{'external_order_id':'${id}'}`,
    'a comment': `{"external_order_id":"${id}"/**/}`,
    null: 'null',
    'a list': `["${id}"]`,
    'a text': `"${id}"`,
    'a number': '1e999',
    'no member': '{}',
    'an unknown member': `{"external_order_id":"${id}","amount":"0.01"}`,
    'a user of its own': `{"external_order_id":"${id}","user_id":"${otherUserId}"}`,
    'a prototype': `{"external_order_id":"${id}","__proto__":{"amount":"0.01"}}`,
    'a duplicate member': `{"external_order_id":"${id}","external_order_id":"${id}"}`,
    'a duplicate, escaped': `{"external_order_id":"${id}","external_order\\u005fid":"${id}"}`,
    'a member in capitals': `{"EXTERNAL_ORDER_ID":"${id}"}`,
    'an order that is no UUID': '{"external_order_id":"42"}',
    'an order of no UUID version': `{"external_order_id":"${id.slice(0, 14)}0${id.slice(15)}"}`,
    'an order that is a number': '{"external_order_id":42}',
    'an order that is null': '{"external_order_id":null}',
    'an order that is a list': `{"external_order_id":["${id}"]}`,
    'an order with a line end': `{"external_order_id":"${id}\\n"}`,
    'an order that is SQL': `{"external_order_id":"' OR 1=1 --"}`,
    'a NUL': `{"external_order_id":"\\u0000"}`,
    'invalid UTF-8': Buffer.from('{"external_order_id":"\xff\xfe"}', 'latin1'),
    'an overlong sequence': Buffer.from([0x7b, 0xc0, 0xa2, 0x7d]),
    'half a surrogate': Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
    'a byte order mark': `\uFEFF{"external_order_id":"${id}"}`,
    'UTF-16': Buffer.from(`{"external_order_id":"${id}"}`, 'utf16le'),
    '4,000 nested brackets': '['.repeat(4_000),
    '800 nested members': '{"a":'.repeat(800),
    '2,000 nested lists': `${'['.repeat(2_000)}${']'.repeat(2_000)}`,
    '500 nested members': `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`,
    '40 nested members': `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`,
  }
}

/** Bodies larger than the limit. */
export const LARGE_BODIES = {
  'a megabyte': `"${'x'.repeat(1_000_000)}"`,
  '5,000 nested lists': `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
  'a megabyte of brackets': '['.repeat(1_000_000),
}

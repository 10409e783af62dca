import { CATALOGUE } from '@caudal/contracts/catalogue.ts'
import type { EventRow } from '@caudal/contracts/event-row.ts'
import { jsonSchemaOf } from '@caudal/contracts/json-schema.ts'
import type { ReferenceDocument } from './reference-document.ts'

/** The catalogue's rows by type, in the order of the alphabet. */
export const EVENT_ROWS: readonly [type: string, row: EventRow][] = Object.entries<EventRow>(
  CATALOGUE,
).toSorted(([one], [other]) => (one < other ? -1 : 1))

export const SCHEMAS_FOLDER = 'docs/reference/schemas'

/** One JSON Schema for each type of event, as this release emits it. */
export function eventSchemas(): ReferenceDocument[] {
  return EVENT_ROWS.map(([type, row]) => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: `https://caudal.dev/schemas/${type}/${row.version}.json`,
      title: `${type} ${row.version}`,
      description: row.description,
      ...jsonSchemaOf(type, row),
    }
    return {
      path: `${SCHEMAS_FOLDER}/${type}.json`,
      text: `${JSON.stringify(schema, null, 2)}\n`,
    }
  })
}

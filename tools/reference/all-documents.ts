import { asyncApi } from './async-api.ts'
import { eventSchemas } from './event-schemas.ts'
import { eventsPage } from './events-page.ts'
import { httpApi } from './http-api.ts'
import { pspTransitionsPage } from './psp-transitions-page.ts'
import type { ReferenceDocument } from './reference-document.ts'

/** Every generated file under `docs/reference`. A new document is one file here and one line. */
export async function allDocuments(): Promise<ReferenceDocument[]> {
  return [eventsPage(), ...eventSchemas(), asyncApi(), await httpApi(), pspTransitionsPage()]
}

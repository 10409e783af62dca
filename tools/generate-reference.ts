// `npm run reference`: writes the generated part of docs/reference.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { allDocuments } from './reference/all-documents.ts'
import { SCHEMAS_FOLDER } from './reference/event-schemas.ts'

const root = join(import.meta.dirname, '..')
// Nothing else is in it, and a type that is gone must leave no file.
await rm(join(root, SCHEMAS_FOLDER), { recursive: true, force: true })
for (const { path, text } of await allDocuments()) {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), text)
}

/** A generated file of the reference: its path from the repository's root, and its whole text. */
export interface ReferenceDocument {
  path: string
  text: string
}

/** The shape of a fragment: the texts around its parameters, and its text numbered from $1. */
interface Shape {
  pieces: readonly string[]
  text: string
}

/** A shape of one template: which of its holes were fragments, and of what shape. */
interface Variant {
  holes: readonly (Shape | undefined)[]
  shape: Shape
}

/** No value that comes from outside can have this member, so none is taken for SQL. */
const SHAPE = Symbol('the shape of a fragment of SQL')

/** A statement, or a part of one: its text, numbered from $1, and the values of its parameters. */
export interface Sql {
  readonly text: string
  readonly values: unknown[]
  readonly [SHAPE]: Shape
}

/** A statement that each connection prepares once under its name. */
export interface NamedSql extends Sql {
  readonly name: string
}

/** More shapes of one template than anybody writes: it is nested in itself, and is not kept. */
const VARIANTS_AT_MOST = 64
const variants = new WeakMap<TemplateStringsArray, Variant[]>()
const constants = new Map<string, Shape>()

/**
 * SQL as a tagged template, to be passed to `query`. Each hole becomes a numbered parameter, except
 * that a fragment (made by `sql` or `raw`) becomes part of the text and its parameters are numbered
 * in place. A set is one array parameter, not a list of fragments. For the same fragments the text
 * is the same string from call to call, so a named statement stays prepared.
 */
export function sql(strings: TemplateStringsArray, ...holes: unknown[]): Sql {
  const values: unknown[] = []
  for (const hole of holes) {
    if (isSql(hole)) for (const value of hole.values) values.push(value)
    else values.push(hole)
  }
  const shape = shapeOf(strings, holes)
  return { text: shape.text, values, [SHAPE]: shape }
}

/** The statement under a name, by which each connection prepares it once. */
export function named(name: string, { text, values, [SHAPE]: shape }: Sql): NamedSql {
  return { name, text, values, [SHAPE]: shape }
}

/**
 * A constant of the code, such as an SQLSTATE, as part of the text. The compiler refuses a `string`
 * that it does not know: a value is a parameter, and a choice is one of several fragments.
 */
export function raw<const T extends string>(text: string extends T ? never : T): Sql {
  let shape = constants.get(text)
  if (shape === undefined) constants.set(text, (shape = { pieces: [text], text }))
  return { text, values: [], [SHAPE]: shape }
}

function isSql(hole: unknown): hole is Sql {
  return typeof hole === 'object' && hole !== null && SHAPE in hole
}

function shapeOf(strings: TemplateStringsArray, holes: readonly unknown[]): Shape {
  let known = variants.get(strings)
  if (known === undefined) variants.set(strings, (known = []))
  for (const variant of known) if (fits(variant, holes)) return variant.shape
  const shapes = holes.map((hole) => (isSql(hole) ? hole[SHAPE] : undefined))
  const shape = composeShape(strings, shapes)
  if (known.length < VARIANTS_AT_MOST) known.push({ holes: shapes, shape })
  return shape
}

function fits(variant: Variant, holes: readonly unknown[]): boolean {
  for (const [index, hole] of holes.entries()) {
    if (variant.holes[index] !== (isSql(hole) ? hole[SHAPE] : undefined)) return false
  }
  return true
}

/** Inlines the fragments: their first and last pieces join the texts around them. */
function composeShape(strings: readonly string[], shapes: readonly (Shape | undefined)[]): Shape {
  const pieces: string[] = []
  let piece = strings[0] ?? ''
  for (const [index, shape] of shapes.entries()) {
    const [first, ...others] = shape?.pieces ?? ['', '']
    piece += first
    for (const next of others) {
      pieces.push(piece)
      piece = next
    }
    piece += strings[index + 1] ?? ''
  }
  pieces.push(piece)
  const text = pieces.map((each, index) => (index === 0 ? each : `$${index}${each}`)).join('')
  return { pieces, text }
}

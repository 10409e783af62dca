import type { Db } from '@caudal/postgres/types.ts'

type PlanNode = { 'Shared Hit Blocks': number; 'Shared Read Blocks': number }

/** How many blocks the first statement of `read` reads, and its plan as JSON. */
export async function planOf(
  db: Db,
  read: (db: Db) => Promise<unknown>,
): Promise<{ blocks: number; text: string }> {
  const asked: { text: string; values: unknown[] }[] = []
  const recorder = {
    query: (statement: (typeof asked)[0]) => (asked.push(statement), db.query(statement)),
  }
  await read(recorder as unknown as Db)
  const { rows } = await db.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>({
    text: `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${asked[0]!.text}`,
    values: asked[0]!.values,
  })
  const plan = rows[0]!['QUERY PLAN'][0].Plan
  const blocks = plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
  return { blocks, text: JSON.stringify(plan) }
}

interface Node {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows'?: number
  'Actual Loops'?: number
  'Rows Removed by Filter'?: number
  'Shared Hit Blocks'?: number
  'Shared Read Blocks'?: number
  Plans?: Node[]
}

/** Rows that a plan may read or sort as a whole without looking through a table. */
const FEW = 200

/**
 * What is laborious in a plan as EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) gives it: scans of whole
 * tables that are not small, sorts of many rows, and how many blocks were touched.
 */
export function labourOf(plan: unknown): { scans: string[]; sorts: string[]; blocks: number } {
  const [{ Plan: root }] = plan as [{ Plan: Node }]
  const nodes = nodesOf(root)
  const rowsOf = (node: Node): number =>
    (node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0)
  const scans = nodes.filter((it) => it['Node Type'] === 'Seq Scan' && rowsOf(it) > FEW)
  const sorts = nodes.filter((it) => it['Node Type'] === 'Sort' && rowsOf(it) > FEW)
  return {
    scans: scans.map((it) => it['Relation Name'] ?? '?'),
    sorts: sorts.map((it) => `${rowsOf(it)} rows`),
    blocks: (root['Shared Hit Blocks'] ?? 0) + (root['Shared Read Blocks'] ?? 0),
  }
}

function nodesOf(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}
